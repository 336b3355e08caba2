// Sessions over TensorFlow's C API, as an N-API addon: import a graph, run it without blocking the event loop, read the
// results without a copy. It owns graphs and sessions; it builds no graph and knows nothing of tensors in JavaScript.
//
//   version(): string
//   newSession(graphDef: bytes, config: bytes | null, target: string): Session      target "" is this process
//   extendSession(session, graphDef: bytes): void                                    adds nodes under new names; they share
//                                                                                    variables with the rest by shared_name
//   run(session, {feeds: [{name, dtype, shape, data}], fetches: [name], targets: [name], copies?: [{name, target}],
//                 options?: bytes, metadata?: bool})
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
//   F  The target of a copy is written by the threads of a run, between its start and its promise. It is shared memory, which
//      cannot be taken away meanwhile, and TensorFlow's tensor is freed right after it.
//
// A run occupies one thread of libuv's pool (4 by default) while TensorFlow's own threads compute.

#include <node_api.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "copies.h"
#include "graph_session.h"
#include "tensorflow/c/c_api.h"
#include "tensors.h"
#include "values.h"

namespace hueline {
namespace {

// ---- sessions as JavaScript objects ----

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

// ---- runs ----

struct Run {
  std::shared_ptr<Session> session;  // keeps the graph alive while it is computed (D)
  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;
  Buffer options, metadata;
  std::vector<TF_Output> inputs, outputs;
  std::vector<const TF_Operation*> targets;
  std::vector<Tensor> feeds, results;
  std::vector<Copy> copies;  // their outputs stand behind those of the fetches
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
  const size_t fetched = out.size() - run->copies.size();
  if (run->status.Ok()) CopyOutputs(run->copies, out.data() + fetched, run->status.raw);
  run->results.resize(fetched);
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
                   targets = Property(env, request, "targets"), copies = Property(env, request, "copies"),
                   options = Property(env, request, "options"), metadata = Property(env, request, "metadata");
  for (uint32_t i = 0, n = ArrayLength(env, feeds, "feeds"); i < n; i++) {
    auto [output, tensor] = ReadFeed(env, *run.session, Element(env, feeds, i));
    run.inputs.push_back(output);
    run.feeds.push_back(std::move(tensor));
  }
  for (uint32_t i = 0, n = ArrayLength(env, fetches, "fetches"); i < n; i++) {
    run.outputs.push_back(ReadFetch(env, *run.session, Element(env, fetches, i)));
  }
  for (uint32_t i = 0, n = IsNothing(env, copies) ? 0 : ArrayLength(env, copies, "copies"); i < n; i++) {
    run.copies.push_back(ReadCopy(env, *run.session, Element(env, copies, i)));
    run.outputs.push_back(run.copies.back().output);
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
}  // namespace hueline

NAPI_MODULE_INIT() {
  try {
    using namespace hueline;
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
