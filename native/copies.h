// Outputs of a run that are copied into memory of the caller, on threads that are not JavaScript's: the way of a
// checkpoint, which the training waits for and nothing else may. Letters: the invariants in session.cc.
#ifndef HUELINE_NATIVE_COPIES_H_
#define HUELINE_NATIVE_COPIES_H_

#include <node_api.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "graph_session.h"
#include "helpers.h"
#include "tensorflow/c/c_api.h"
#include "tensors.h"
#include "values.h"

namespace hueline {

// Keeps a value of JavaScript from being collected. Made and destroyed on the JavaScript thread.
class Kept {
 public:
  Kept(napi_env env, napi_value value) : env_(env) { Check(env, napi_create_reference(env, value, 1, &reference_)); }
  Kept(Kept&& other) noexcept : env_(other.env_), reference_(std::exchange(other.reference_, nullptr)) {}
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() {
    if (reference_) napi_delete_reference(env_, reference_);
  }

 private:
  napi_env env_;
  napi_ref reference_ = nullptr;
};

struct Copy {
  TF_Output output;
  uint8_t* target;
  size_t size;
  std::string name;
  Kept kept;
};

// Shared memory only: an ArrayBuffer can be detached while the run writes to it (A).
inline Copy ReadCopy(napi_env env, Session& session, napi_value copy) {
  ExpectObject(env, copy, "copy");
  const napi_value name = Property(env, copy, "name"), target = Property(env, copy, "target");
  const TF_Output output = ReadFetch(env, session, name);
  const std::string what = "copy of \"" + String(env, name, "fetch name") + "\"";
  bool is_typed = false, is_own = true;
  Check(env, napi_is_typedarray(env, target, &is_typed));
  if (is_typed) {
    napi_typedarray_type type;
    napi_value buffer = nullptr;
    Check(env, napi_get_typedarray_info(env, target, &type, nullptr, nullptr, &buffer, nullptr));
    Check(env, napi_is_arraybuffer(env, buffer, &is_own));
  }
  if (is_own) Invalid(what + ": expected a typed array over a SharedArrayBuffer as its target");
  const Bytes bytes = RawBytes(env, target, what + " target");
  return {output, static_cast<uint8_t*>(const_cast<void*>(bytes.data)), bytes.size, what, Kept(env, target)};
}

// Nobody reads the copy soon: stores that pass the caches by do not fetch what they overwrite. Measured with 205 MB on two
// cores that others use too: 40 ms with memcpy, 21 ms so; on another machine 16 ms with either, 12 ms with registers that are a
// cache line wide, 10 ms when each line is asked for well before it is needed (which never faults, wherever it points).
#if defined(__x86_64__)
__attribute__((target("avx512f"))) inline size_t StreamLines(uint8_t* to, const uint8_t* from, size_t size) {
  constexpr size_t kAhead = 2048;
  size_t at = 0;
  for (; at + 256 <= size; at += 256) {
    __m512i four[4];
    for (int i = 0; i < 4; i++) _mm_prefetch(reinterpret_cast<const char*>(from + at) + kAhead + 64 * i, _MM_HINT_T1);
    for (int i = 0; i < 4; i++) four[i] = _mm512_loadu_si512(from + at + 64 * i);
    for (int i = 0; i < 4; i++) _mm512_stream_si512(reinterpret_cast<__m512i*>(to + at) + i, four[i]);
  }
  return at;
}

inline size_t StreamQuarters(uint8_t* to, const uint8_t* from, size_t size) {
  size_t at = 0;
  for (; at + 64 <= size; at += 64) {
    __m128i four[4];
    std::memcpy(four, from + at, 64);
    for (int i = 0; i < 4; i++) _mm_stream_si128(reinterpret_cast<__m128i*>(to + at) + i, four[i]);
  }
  return at;
}
#endif

inline void CopyPastCaches(uint8_t* to, const uint8_t* from, size_t size) {
#if defined(__x86_64__)
  static const bool has_lines = __builtin_cpu_supports("avx512f");
  const size_t head = std::min(size, (64 - reinterpret_cast<uintptr_t>(to) % 64) % 64);
  std::memcpy(to, from, head);
  const size_t streamed = (has_lines ? StreamLines : StreamQuarters)(to + head, from + head, size - head);
  const size_t at = head + streamed;
  std::memcpy(to + at, from + at, size - at);
  _mm_sfence();  // seen by whoever is told that the run has ended
#else
  std::memcpy(to, from, size);
#endif
}

// A few threads: on machines with many memory channels one core does not use their bandwidth.
inline void CopyAll(const std::vector<Copy>& copies, TF_Tensor* const* tensors) {
  constexpr size_t kPiece = 4 << 20;
  struct Piece {
    uint8_t* to;
    const uint8_t* from;
    size_t size;
  };
  std::vector<Piece> pieces;
  for (size_t i = 0; i < copies.size(); i++) {
    const uint8_t* const from = static_cast<const uint8_t*>(TF_TensorData(tensors[i]));
    for (size_t at = 0; at < copies[i].size; at += kPiece) {
      pieces.push_back({copies[i].target + at, from + at, std::min(kPiece, copies[i].size - at)});
    }
  }
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < pieces.size(); i = next++) {
      CopyPastCaches(pieces[i].to, pieces[i].from, pieces[i].size);
    }
  };
  const size_t threads = std::min<size_t>({4, std::thread::hardware_concurrency(), pieces.size()});
  Helpers::Shared().Join(threads > 1 ? threads - 1 : 0, work);
}

// Sets `status` instead of copying anything if a target has not exactly the size of its output.
inline void CopyOutputs(const std::vector<Copy>& copies, TF_Tensor* const* tensors, TF_Status* status) {
  for (size_t i = 0; i < copies.size(); i++) {
    const size_t size = TF_TensorByteSize(tensors[i]);
    if (size == copies[i].size) continue;
    const std::string message = copies[i].name + ": the output has " + std::to_string(size) + " bytes, its target " +
                                std::to_string(copies[i].size);
    TF_SetStatus(status, TF_INVALID_ARGUMENT, message.c_str());
    return;
  }
  CopyAll(copies, tensors);
}

}  // namespace hueline

#endif  // HUELINE_NATIVE_COPIES_H_
