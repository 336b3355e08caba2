// Sessions over TensorFlow's C API, as an N-API addon: import a graph, run it without blocking the event loop, read the
// results without a copy. It owns graphs and sessions; it builds no graph and knows nothing of tensors in JavaScript.
//
//   version(): string
//   newSession(graphDef: bytes, config: bytes | null, target: string): Session      target "" is this process
//   extendSession(session, graphDef: bytes): void                                    adds nodes under new names; they share
//                                                                                    variables with the rest by shared_name
//   run(session, {feeds: [{name, dtype, shape, data}], fetches: [name], targets: [name], options?: bytes, metadata?: bool})
//       : Promise<[{data: ArrayBuffer, shape, dtype}] (+ .metadata: Uint8Array where asked for)>
//   closeSession(session): void                                                      a second time does nothing
//
// Invariants
//   A  No argument from JavaScript can crash the process: every one is checked for type, range, size and agreement with
//      the graph before TensorFlow sees it, and a wrong one throws an Error with TensorFlow's code ("TF3" = invalid argument).
//   B  Feeds are copied before run() returns, so the caller may reuse its buffers at once.
//   C  A fetched ArrayBuffer owns TensorFlow's tensor. TensorFlow may still read that memory (it can be a variable's own),
//      so callers treat it as read-only. The memory is freed when the ArrayBuffer is collected.
//   D  A graph and its session live until closeSession or until collected, and no shorter than their last run.
//   E  No mutable global state: any number of environments (worker threads) may load the addon.
//
// A run occupies one thread of libuv's pool (4 by default) while TensorFlow's own threads compute.

#include <node_api.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tensorflow/c/c_api.h"

namespace {

// ---- errors: thrown as C++ exceptions, turned into JavaScript errors at the one boundary `Guarded` ----

struct Failure {
  TF_Code code;
  std::string message;
};
struct JsExceptionPending {};  // a getter or proxy of the caller threw: leave its exception alone

[[noreturn]] void Fail(TF_Code code, std::string message) { throw Failure{code, std::move(message)}; }
[[noreturn]] void Invalid(const std::string& message) { Fail(TF_INVALID_ARGUMENT, message); }

struct Status {
  TF_Status* const raw = TF_NewStatus();
  Status() = default;
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;
  ~Status() { TF_DeleteStatus(raw); }
  bool Ok() const { return TF_GetCode(raw) == TF_OK; }
  void Check() const {
    if (!Ok()) Fail(TF_GetCode(raw), TF_Message(raw));
  }
};

void Check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) throw JsExceptionPending{};
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  Fail(TF_INTERNAL, std::string("N-API: ") + (info && info->error_message ? info->error_message : "unknown error"));
}

napi_value ToError(napi_env env, const Failure& failure) {
  napi_value code = nullptr, message = nullptr, error = nullptr;
  const std::string name = "TF" + std::to_string(failure.code);
  napi_create_string_utf8(env, name.c_str(), name.size(), &code);
  napi_create_string_utf8(env, failure.message.c_str(), failure.message.size(), &message);
  napi_create_error(env, code, message, &error);
  return error;
}

template <napi_value (*Function)(napi_env, napi_callback_info)>
napi_value Guarded(napi_env env, napi_callback_info info) {
  try {
    return Function(env, info);
  } catch (const Failure& failure) {
    napi_throw(env, ToError(env, failure));
  } catch (const JsExceptionPending&) {
  } catch (const std::exception& error) {  // bad_alloc and its like
    napi_throw(env, ToError(env, Failure{TF_RESOURCE_EXHAUSTED, error.what()}));
  }
  return nullptr;
}

// ---- reading JavaScript values ----

template <size_t N>
void Arguments(napi_env env, napi_callback_info info, napi_value (&values)[N]) {
  size_t count = N;
  Check(env, napi_get_cb_info(env, info, &count, values, nullptr, nullptr));  // missing ones become undefined
}

napi_valuetype TypeOf(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  Check(env, napi_typeof(env, value, &type));
  return type;
}
bool IsNothing(napi_env env, napi_value value) {
  const napi_valuetype type = TypeOf(env, value);
  return type == napi_undefined || type == napi_null;
}
napi_value Property(napi_env env, napi_value object, const char* key) {
  napi_value value = nullptr;
  Check(env, napi_get_named_property(env, object, key, &value));
  return value;
}
napi_value Element(napi_env env, napi_value array, uint32_t index) {
  napi_value value = nullptr;
  Check(env, napi_get_element(env, array, index, &value));
  return value;
}
void ExpectObject(napi_env env, napi_value value, const char* what) {
  if (TypeOf(env, value) != napi_object) Invalid(std::string(what) + ": expected an object");
}
uint32_t ArrayLength(napi_env env, napi_value value, const std::string& what) {
  bool is_array = false;
  Check(env, napi_is_array(env, value, &is_array));
  if (!is_array) Invalid(what + ": expected an array");
  uint32_t length = 0;
  Check(env, napi_get_array_length(env, value, &length));
  return length;
}
std::string String(napi_env env, napi_value value, const std::string& what) {
  if (TypeOf(env, value) != napi_string) Invalid(what + ": expected a string");
  size_t length = 0;
  Check(env, napi_get_value_string_utf8(env, value, nullptr, 0, &length));
  std::string text(length, '\0');
  Check(env, napi_get_value_string_utf8(env, value, &text[0], length + 1, &length));
  return text;
}
int64_t Integer(napi_env env, napi_value value, const std::string& what) {
  if (TypeOf(env, value) != napi_number) Invalid(what + ": expected a whole number");
  double number = 0;
  Check(env, napi_get_value_double(env, value, &number));
  if (!(number >= 0 && number <= 9007199254740991.0) || number != std::floor(number)) {
    Invalid(what + ": expected a whole number from 0 to 2^53 - 1");
  }
  return static_cast<int64_t>(number);
}

struct Bytes {
  const void* data = nullptr;
  size_t size = 0;
};
size_t ElementSize(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return 1;
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 0;
  }
}
// The memory of a typed array (over an ArrayBuffer or a SharedArrayBuffer), DataView or ArrayBuffer. Valid until
// JavaScript runs again: callers copy it before they read another property.
Bytes RawBytes(napi_env env, napi_value value, const std::string& what) {
  bool is = false;
  void* data = nullptr;
  size_t size = 0;
  Check(env, napi_is_typedarray(env, value, &is));
  if (is) {
    napi_typedarray_type type;
    Check(env, napi_get_typedarray_info(env, value, &type, &size, &data, nullptr, nullptr));
    const size_t width = ElementSize(type);
    if (width == 0) Invalid(what + ": this kind of typed array is not supported");
    return {data, size * width};
  }
  Check(env, napi_is_dataview(env, value, &is));
  if (is) {
    Check(env, napi_get_dataview_info(env, value, &size, &data, nullptr, nullptr));
    return {data, size};
  }
  Check(env, napi_is_arraybuffer(env, value, &is));
  if (!is) Invalid(what + ": expected a typed array, a DataView or an ArrayBuffer");
  Check(env, napi_get_arraybuffer_info(env, value, &data, &size));
  return {data, size};
}

// ---- sessions ----

struct BufferDeleter {
  void operator()(TF_Buffer* buffer) const { TF_DeleteBuffer(buffer); }
};
struct TensorDeleter {
  void operator()(TF_Tensor* tensor) const { TF_DeleteTensor(tensor); }
};
using Buffer = std::unique_ptr<TF_Buffer, BufferDeleter>;
using Tensor = std::unique_ptr<TF_Tensor, TensorDeleter>;

Buffer CopyToBuffer(const Bytes& bytes) { return Buffer(TF_NewBufferFromString(bytes.data, bytes.size)); }

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

constexpr napi_type_tag kSessionTag = {0x6875656c696e6531ULL, 0x73657373696f6e31ULL};

void FinalizeSession(napi_env, void* data, void*) { delete static_cast<std::shared_ptr<Session>*>(data); }

std::shared_ptr<Session> Unwrap(napi_env env, napi_value value) {
  bool ours = false;
  if (TypeOf(env, value) == napi_object) Check(env, napi_check_object_type_tag(env, value, &kSessionTag, &ours));
  if (!ours) Invalid("expected a session made by newSession");
  void* data = nullptr;
  Check(env, napi_unwrap(env, value, &data));
  return *static_cast<std::shared_ptr<Session>*>(data);
}

std::shared_ptr<Session> OpenSession(napi_env env, napi_value value) {
  std::shared_ptr<Session> session = Unwrap(env, value);
  if (!session->raw()) Fail(TF_FAILED_PRECONDITION, "the session is closed");
  return session;
}

// ---- feeds and fetches ----

std::string ToText(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); i++) text += (i ? "," : "") + (shape[i] < 0 ? "?" : std::to_string(shape[i]));
  return text + "]";
}

// Types whose tensors are flat memory. Strings, resources and variants hold pointers and never cross this border.
size_t FlatElementSize(int64_t dtype) {
  switch (dtype) {
    case TF_FLOAT: case TF_DOUBLE: case TF_INT32: case TF_UINT8: case TF_INT16: case TF_INT8: case TF_COMPLEX64:
    case TF_INT64: case TF_BOOL: case TF_BFLOAT16: case TF_UINT16: case TF_COMPLEX128: case TF_HALF: case TF_UINT32:
    case TF_UINT64:
      return TF_DataTypeSize(static_cast<TF_DataType>(dtype));
    default:
      return 0;
  }
}

void CheckAgainstGraph(const Session& session, TF_Output output, TF_DataType dtype, const std::vector<int64_t>& shape,
                       const std::string& what) {
  const TF_DataType declared = TF_OperationOutputType(output);
  if (declared != dtype) {
    Invalid(what + ": dtype is " + std::to_string(dtype) + ", the graph declares " + std::to_string(declared));
  }
  bool known = false;
  const std::vector<int64_t> wanted = session.StaticShape(output, &known);
  if (!known) return;
  bool agrees = wanted.size() == shape.size();
  for (size_t i = 0; agrees && i < shape.size(); i++) agrees = wanted[i] < 0 || wanted[i] == shape[i];
  if (!agrees) Invalid(what + ": shape is " + ToText(shape) + ", the graph declares " + ToText(wanted));
}

std::vector<int64_t> ReadShape(napi_env env, napi_value value, const std::string& what) {
  constexpr uint32_t kMaxRank = 254;  // TensorFlow's own limit
  const uint32_t rank = ArrayLength(env, value, what);
  if (rank > kMaxRank) Invalid(what + ": more than 254 dimensions");
  std::vector<int64_t> shape(rank);
  for (uint32_t i = 0; i < rank; i++) shape[i] = Integer(env, Element(env, value, i), what);
  return shape;
}

size_t ByteSize(const std::vector<int64_t>& shape, size_t element_size, const std::string& what) {
  size_t size = element_size;
  for (const int64_t dimension : shape) {
    if (__builtin_mul_overflow(size, static_cast<size_t>(dimension), &size)) Invalid(what + ": the shape is too large");
  }
  return size;
}

// Reads one feed; its data last, because reading a property may run JavaScript that moves the buffer (A, B).
std::pair<TF_Output, Tensor> ReadFeed(napi_env env, Session& session, napi_value feed) {
  ExpectObject(env, feed, "feed");
  const std::string name = String(env, Property(env, feed, "name"), "feed name");
  const std::string what = "feed \"" + name + "\"";
  const TF_Output output = session.Find(name);
  const int64_t type = Integer(env, Property(env, feed, "dtype"), what + " dtype");
  const std::vector<int64_t> shape = ReadShape(env, Property(env, feed, "shape"), what + " shape");
  const size_t element_size = FlatElementSize(type);
  if (element_size == 0) Invalid(what + ": dtype " + std::to_string(type) + " cannot be fed as bytes");
  const TF_DataType dtype = static_cast<TF_DataType>(type);
  CheckAgainstGraph(session, output, dtype, shape, what);
  const size_t wanted = ByteSize(shape, element_size, what);
  const Bytes bytes = RawBytes(env, Property(env, feed, "data"), what + " data");
  if (bytes.size != wanted) {
    Invalid(what + ": data has " + std::to_string(bytes.size) + " bytes, shape " + ToText(shape) + " needs " +
            std::to_string(wanted));
  }
  Tensor tensor(TF_AllocateTensor(dtype, shape.data(), static_cast<int>(shape.size()), wanted));
  if (!tensor) Fail(TF_RESOURCE_EXHAUSTED, what + ": no memory for " + std::to_string(wanted) + " bytes");
  if (wanted > 0) std::memcpy(TF_TensorData(tensor.get()), bytes.data, wanted);
  return {output, std::move(tensor)};
}

TF_Output ReadFetch(napi_env env, Session& session, napi_value value) {
  const std::string name = String(env, value, "fetch name");
  const TF_Output output = session.Find(name);
  const TF_DataType dtype = TF_OperationOutputType(output);
  if (FlatElementSize(dtype) == 0) {
    Fail(TF_UNIMPLEMENTED, "fetch \"" + name + "\": dtype " + std::to_string(dtype) + " cannot be read as bytes");
  }
  return output;
}

void FreeTensor(napi_env, void*, void* tensor) { TF_DeleteTensor(static_cast<TF_Tensor*>(tensor)); }

// An ArrayBuffer over the tensor's own memory (C), or a copy where the runtime forbids foreign memory.
napi_value ToArrayBuffer(napi_env env, Tensor tensor) {
  void* const data = TF_TensorData(tensor.get());
  const size_t size = TF_TensorByteSize(tensor.get());
  napi_value buffer = nullptr;
  if (size > 0) {
    const napi_status status = napi_create_external_arraybuffer(env, data, size, FreeTensor, tensor.get(), &buffer);
    if (status == napi_ok) {
      tensor.release();
      return buffer;
    }
    if (status != napi_no_external_buffers_allowed) Check(env, status);
  }
  void* copy = nullptr;
  Check(env, napi_create_arraybuffer(env, size, &copy, &buffer));
  if (size > 0) std::memcpy(copy, data, size);
  return buffer;
}

napi_value ToResult(napi_env env, Tensor tensor) {
  napi_value object = nullptr, shape = nullptr, dtype = nullptr;
  const int rank = TF_NumDims(tensor.get());
  Check(env, napi_create_object(env, &object));
  Check(env, napi_create_array_with_length(env, rank, &shape));
  for (int i = 0; i < rank; i++) {
    napi_value dimension = nullptr;
    Check(env, napi_create_int64(env, TF_Dim(tensor.get(), i), &dimension));
    Check(env, napi_set_element(env, shape, i, dimension));
  }
  Check(env, napi_create_int32(env, TF_TensorType(tensor.get()), &dtype));
  Check(env, napi_set_named_property(env, object, "data", ToArrayBuffer(env, std::move(tensor))));
  Check(env, napi_set_named_property(env, object, "shape", shape));
  Check(env, napi_set_named_property(env, object, "dtype", dtype));
  return object;
}

// ---- runs ----

struct Run {
  std::shared_ptr<Session> session;  // keeps the graph alive while it is computed (D)
  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;
  Buffer options, metadata;
  std::vector<TF_Output> inputs, outputs;
  std::vector<const TF_Operation*> targets;
  std::vector<Tensor> feeds, results;
  Status status;
};

// On a thread of the pool: no N-API here.
void ExecuteRun(napi_env, void* data) {
  Run* const run = static_cast<Run*>(data);
  std::vector<TF_Tensor*> in, out(run->outputs.size(), nullptr);
  for (const Tensor& feed : run->feeds) in.push_back(feed.get());
  TF_SessionRun(run->session->raw(), run->options.get(), run->inputs.data(), in.data(), static_cast<int>(in.size()),
                run->outputs.data(), out.data(), static_cast<int>(out.size()), run->targets.data(),
                static_cast<int>(run->targets.size()), run->metadata.get(), run->status.raw);
  run->feeds.clear();
  for (TF_Tensor* tensor : out) run->results.emplace_back(tensor);
}

napi_value ToResults(napi_env env, Run& run) {
  run.status.Check();
  napi_value list = nullptr;
  Check(env, napi_create_array_with_length(env, run.results.size(), &list));
  for (size_t i = 0; i < run.results.size(); i++) {
    Check(env, napi_set_element(env, list, static_cast<uint32_t>(i), ToResult(env, std::move(run.results[i]))));
  }
  if (run.metadata) {
    napi_value bytes = nullptr;
    Check(env, napi_create_buffer_copy(env, run.metadata->length, run.metadata->data, nullptr, &bytes));
    Check(env, napi_set_named_property(env, list, "metadata", bytes));
  }
  return list;
}

// Back on the JavaScript thread. When the environment is being torn down the N-API calls fail, and only the freeing counts.
void CompleteRun(napi_env env, napi_status, void* data) {
  const std::unique_ptr<Run> run(static_cast<Run*>(data));
  run->session->busy--;
  napi_delete_async_work(env, run->work);
  try {
    napi_resolve_deferred(env, run->deferred, ToResults(env, *run));
  } catch (const Failure& failure) {
    napi_reject_deferred(env, run->deferred, ToError(env, failure));
  } catch (const JsExceptionPending&) {  // only while the environment ends: nobody waits for the promise any more
  } catch (const std::exception& error) {
    napi_reject_deferred(env, run->deferred, ToError(env, Failure{TF_RESOURCE_EXHAUSTED, error.what()}));
  }
}

void ReadRequest(napi_env env, napi_value request, Run& run) {
  ExpectObject(env, request, "run request");
  const napi_value feeds = Property(env, request, "feeds"), fetches = Property(env, request, "fetches"),
                   targets = Property(env, request, "targets"), options = Property(env, request, "options"),
                   metadata = Property(env, request, "metadata");
  for (uint32_t i = 0, n = ArrayLength(env, feeds, "feeds"); i < n; i++) {
    auto [output, tensor] = ReadFeed(env, *run.session, Element(env, feeds, i));
    run.inputs.push_back(output);
    run.feeds.push_back(std::move(tensor));
  }
  for (uint32_t i = 0, n = ArrayLength(env, fetches, "fetches"); i < n; i++) {
    run.outputs.push_back(ReadFetch(env, *run.session, Element(env, fetches, i)));
  }
  for (uint32_t i = 0, n = ArrayLength(env, targets, "targets"); i < n; i++) {
    run.targets.push_back(run.session->FindTarget(String(env, Element(env, targets, i), "target name")));
  }
  if (!IsNothing(env, options)) run.options = CopyToBuffer(RawBytes(env, options, "options"));
  bool wants_metadata = false;
  if (!IsNothing(env, metadata)) {
    if (TypeOf(env, metadata) != napi_boolean) Invalid("metadata: expected true or false");
    Check(env, napi_get_value_bool(env, metadata, &wants_metadata));
  }
  if (wants_metadata) run.metadata.reset(TF_NewBuffer());
}

// ---- exported functions ----

napi_value Version(napi_env env, napi_callback_info) {
  napi_value text = nullptr;
  Check(env, napi_create_string_utf8(env, TF_Version(), NAPI_AUTO_LENGTH, &text));
  return text;
}

napi_value NewSession(napi_env env, napi_callback_info info) {
  napi_value arguments[3], object = nullptr;
  Arguments(env, info, arguments);
  const std::string target = String(env, arguments[2], "target");
  auto session = std::make_shared<Session>();
  session->Import(RawBytes(env, arguments[0], "graphDef"));
  session->Open(IsNothing(env, arguments[1]) ? Bytes{} : RawBytes(env, arguments[1], "config"), target);
  Check(env, napi_create_object(env, &object));
  Check(env, napi_type_tag_object(env, object, &kSessionTag));
  auto owned = std::make_unique<std::shared_ptr<Session>>(std::move(session));
  Check(env, napi_wrap(env, object, owned.get(), FinalizeSession, nullptr, nullptr));
  owned.release();
  return object;
}

napi_value ExtendSession(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  Arguments(env, info, arguments);
  const std::shared_ptr<Session> session = OpenSession(env, arguments[0]);
  session->Import(RawBytes(env, arguments[1], "graphDef"));
  return nullptr;
}

napi_value StartRun(napi_env env, napi_callback_info info) {
  napi_value arguments[2], promise = nullptr, name = nullptr;
  Arguments(env, info, arguments);
  auto run = std::make_unique<Run>();
  run->session = OpenSession(env, arguments[0]);
  ReadRequest(env, arguments[1], *run);
  if (!run->session->raw()) Fail(TF_FAILED_PRECONDITION, "the session is closed");  // a getter may have closed it
  Check(env, napi_create_string_utf8(env, "hueline:session", NAPI_AUTO_LENGTH, &name));
  Check(env, napi_create_async_work(env, nullptr, name, ExecuteRun, CompleteRun, run.get(), &run->work));
  Check(env, napi_create_promise(env, &run->deferred, &promise));
  Check(env, napi_queue_async_work(env, run->work));
  run->session->busy++;
  run.release();  // CompleteRun owns it now
  return promise;
}

napi_value CloseSession(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  Arguments(env, info, arguments);
  const std::shared_ptr<Session> session = Unwrap(env, arguments[0]);
  if (session->busy > 0) Fail(TF_FAILED_PRECONDITION, "a run is in progress: await it before closing the session");
  Status status;
  session->Close(status);
  status.Check();
  return nullptr;
}

template <napi_value (*Function)(napi_env, napi_callback_info)>
void Export(napi_env env, napi_value exports, const char* name) {
  napi_value function = nullptr;
  Check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, Guarded<Function>, nullptr, &function));
  Check(env, napi_set_named_property(env, exports, name, function));
}

}  // namespace

NAPI_MODULE_INIT() {
  try {
    Export<Version>(env, exports, "version");
    Export<NewSession>(env, exports, "newSession");
    Export<ExtendSession>(env, exports, "extendSession");
    Export<StartRun>(env, exports, "run");
    Export<CloseSession>(env, exports, "closeSession");
  } catch (...) {
    napi_throw_error(env, nullptr, "the session addon could not be initialised");
  }
  return exports;
}
