// A TensorFlow graph with its session. Freed when the last owner lets go; used on the JavaScript thread, except that runs
// compute on other threads (TensorFlow's sessions allow that). Letters: the invariants in session.cc.
#ifndef HUELINE_NATIVE_GRAPH_SESSION_H_
#define HUELINE_NATIVE_GRAPH_SESSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tensorflow/c/c_api.h"
#include "values.h"

namespace hueline {

struct BufferDeleter {
  void operator()(TF_Buffer* buffer) const { TF_DeleteBuffer(buffer); }
};
struct TensorDeleter {
  void operator()(TF_Tensor* tensor) const { TF_DeleteTensor(tensor); }
};
using Buffer = std::unique_ptr<TF_Buffer, BufferDeleter>;
using Tensor = std::unique_ptr<TF_Tensor, TensorDeleter>;

inline Buffer CopyToBuffer(const Bytes& bytes) { return Buffer(TF_NewBufferFromString(bytes.data, bytes.size)); }

class Session {
 public:
  int busy = 0;  // runs in progress; read and written on the JavaScript thread only

  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    Status ignored;  // nobody is left to tell
    Close(ignored);
    TF_DeleteGraph(graph_);
  }

  void Import(const Bytes& graph_def) {
    Status status;
    const Buffer buffer = CopyToBuffer(graph_def);
    TF_ImportGraphDefOptions* options = TF_NewImportGraphDefOptions();
    TF_GraphImportGraphDef(graph_, buffer.get(), options, status.raw);
    TF_DeleteImportGraphDefOptions(options);
    status.Check();
  }

  void Open(const Bytes& config, const std::string& target) {
    Status status;
    TF_SessionOptions* options = TF_NewSessionOptions();
    if (!target.empty()) TF_SetTarget(options, target.c_str());
    if (config.size > 0) TF_SetConfig(options, config.data, config.size, status.raw);
    if (status.Ok()) session_ = TF_NewSession(graph_, options, status.raw);
    TF_DeleteSessionOptions(options);
    status.Check();
  }

  void Close(Status& status) {
    if (!session_) return;
    Status deleted;
    TF_CloseSession(session_, status.raw);
    TF_DeleteSession(session_, deleted.raw);
    session_ = nullptr;
  }

  // "node" or "node:k"; only outputs that exist (A).
  TF_Output Find(const std::string& name) {
    const auto known = outputs_.find(name);
    if (known != outputs_.end()) return known->second;
    const size_t colon = name.rfind(':');
    const std::string node = name.substr(0, colon);
    const TF_Output output{TF_GraphOperationByName(graph_, node.c_str()), OutputIndex(name, colon)};
    if (!output.oper) Fail(TF_NOT_FOUND, "the graph has no node \"" + node + "\"");
    if (output.index >= TF_OperationNumOutputs(output.oper)) {
      Fail(TF_NOT_FOUND, "node \"" + node + "\" has " + std::to_string(TF_OperationNumOutputs(output.oper)) +
                             " outputs, asked for \"" + name + "\"");
    }
    outputs_.emplace(name, output);
    return output;
  }
  TF_Operation* FindTarget(const std::string& name) {
    TF_Operation* operation = TF_GraphOperationByName(graph_, name.c_str());
    if (!operation) Fail(TF_NOT_FOUND, "the graph has no node \"" + name + "\"");
    return operation;
  }

  // The static shape of an output; empty where the graph leaves the rank open.
  std::vector<int64_t> StaticShape(TF_Output output, bool* known) const {
    Status status;
    const int rank = TF_GraphGetTensorNumDims(graph_, output, status.raw);
    *known = status.Ok() && rank >= 0;
    std::vector<int64_t> shape(*known ? rank : 0);
    if (*known) TF_GraphGetTensorShape(graph_, output, shape.data(), rank, status.raw);
    return shape;
  }

  TF_Session* raw() const { return session_; }

 private:
  static int OutputIndex(const std::string& name, size_t colon) {
    if (colon == std::string::npos) return 0;
    const std::string digits = name.substr(colon + 1);
    if (digits.empty() || digits.size() > 6 || digits.find_first_not_of("0123456789") != std::string::npos) {
      Invalid("\"" + name + "\" is not the name of an output: expected node or node:index");
    }
    return std::stoi(digits);
  }

  TF_Graph* const graph_ = TF_NewGraph();
  TF_Session* session_ = nullptr;
  std::unordered_map<std::string, TF_Output> outputs_;
};

}  // namespace hueline

#endif  // HUELINE_NATIVE_GRAPH_SESSION_H_
