// Errors and arguments of an N-API addon: C++ exceptions inside, JavaScript errors outside; values read with every check.
//
// A function that JavaScript calls is wrapped in `Guarded`, the one place where exceptions become errors. An Error's code
// is "TF" and TensorFlow's status code, wherever it was found.
#ifndef HUELINE_NATIVE_VALUES_H_
#define HUELINE_NATIVE_VALUES_H_

#include <node_api.h>

#include <cmath>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include "tensorflow/c/c_api.h"

namespace hueline {

struct Failure {
  TF_Code code;
  std::string message;
};
struct JsExceptionPending {};  // a getter or proxy of the caller threw: leave its exception alone

[[noreturn]] inline void Fail(TF_Code code, std::string message) { throw Failure{code, std::move(message)}; }
[[noreturn]] inline void Invalid(const std::string& message) { Fail(TF_INVALID_ARGUMENT, message); }

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

inline void Check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) throw JsExceptionPending{};
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  Fail(TF_INTERNAL, std::string("N-API: ") + (info && info->error_message ? info->error_message : "unknown error"));
}

inline napi_value ToError(napi_env env, const Failure& failure) {
  napi_value code = nullptr, message = nullptr, error = nullptr;
  const std::string name = "TF" + std::to_string(failure.code);
  napi_create_string_utf8(env, name.c_str(), name.size(), &code);
  napi_create_string_utf8(env, failure.message.c_str(), failure.message.size(), &message);
  napi_create_error(env, code, message, &error);
  return error;
}

template <napi_value (*Function)(napi_env, napi_callback_info)>
inline napi_value Guarded(napi_env env, napi_callback_info info) {
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
inline void Arguments(napi_env env, napi_callback_info info, napi_value (&values)[N]) {
  size_t count = N;
  Check(env, napi_get_cb_info(env, info, &count, values, nullptr, nullptr));  // missing ones become undefined
}

inline napi_valuetype TypeOf(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  Check(env, napi_typeof(env, value, &type));
  return type;
}
inline bool IsNothing(napi_env env, napi_value value) {
  const napi_valuetype type = TypeOf(env, value);
  return type == napi_undefined || type == napi_null;
}
inline napi_value Property(napi_env env, napi_value object, const char* key) {
  napi_value value = nullptr;
  Check(env, napi_get_named_property(env, object, key, &value));
  return value;
}
inline napi_value Element(napi_env env, napi_value array, uint32_t index) {
  napi_value value = nullptr;
  Check(env, napi_get_element(env, array, index, &value));
  return value;
}
inline void ExpectObject(napi_env env, napi_value value, const char* what) {
  if (TypeOf(env, value) != napi_object) Invalid(std::string(what) + ": expected an object");
}
inline uint32_t ArrayLength(napi_env env, napi_value value, const std::string& what) {
  bool is_array = false;
  Check(env, napi_is_array(env, value, &is_array));
  if (!is_array) Invalid(what + ": expected an array");
  uint32_t length = 0;
  Check(env, napi_get_array_length(env, value, &length));
  return length;
}
inline std::string String(napi_env env, napi_value value, const std::string& what) {
  if (TypeOf(env, value) != napi_string) Invalid(what + ": expected a string");
  size_t length = 0;
  Check(env, napi_get_value_string_utf8(env, value, nullptr, 0, &length));
  std::string text(length, '\0');
  Check(env, napi_get_value_string_utf8(env, value, &text[0], length + 1, &length));
  return text;
}
inline int64_t Integer(napi_env env, napi_value value, const std::string& what) {
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
inline size_t ElementSize(napi_typedarray_type type) {
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
inline Bytes RawBytes(napi_env env, napi_value value, const std::string& what) {
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

}  // namespace hueline

#endif  // HUELINE_NATIVE_VALUES_H_
