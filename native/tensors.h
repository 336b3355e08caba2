// Tensors across the border: feeds are copied in and checked against the graph, fetches go out as ArrayBuffers that own
// TensorFlow's memory. Flat types only: strings, resources and variants hold pointers and never cross.
// Letters: the invariants in session.cc.
#ifndef HUELINE_NATIVE_TENSORS_H_
#define HUELINE_NATIVE_TENSORS_H_

#include <node_api.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "graph_session.h"
#include "tensorflow/c/c_api.h"
#include "values.h"

namespace hueline {

inline std::string ToText(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); i++) text += (i ? "," : "") + (shape[i] < 0 ? "?" : std::to_string(shape[i]));
  return text + "]";
}

// Types whose tensors are flat memory. Strings, resources and variants hold pointers and never cross this border.
inline size_t FlatElementSize(int64_t dtype) {
  switch (dtype) {
    case TF_FLOAT: case TF_DOUBLE: case TF_INT32: case TF_UINT8: case TF_INT16: case TF_INT8: case TF_COMPLEX64:
    case TF_INT64: case TF_BOOL: case TF_BFLOAT16: case TF_UINT16: case TF_COMPLEX128: case TF_HALF: case TF_UINT32:
    case TF_UINT64:
      return TF_DataTypeSize(static_cast<TF_DataType>(dtype));
    default:
      return 0;
  }
}

inline void CheckAgainstGraph(const Session& session, TF_Output output, TF_DataType dtype, const std::vector<int64_t>& shape,
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

inline std::vector<int64_t> ReadShape(napi_env env, napi_value value, const std::string& what) {
  constexpr uint32_t kMaxRank = 254;  // TensorFlow's own limit
  const uint32_t rank = ArrayLength(env, value, what);
  if (rank > kMaxRank) Invalid(what + ": more than 254 dimensions");
  std::vector<int64_t> shape(rank);
  for (uint32_t i = 0; i < rank; i++) shape[i] = Integer(env, Element(env, value, i), what);
  return shape;
}

inline size_t ByteSize(const std::vector<int64_t>& shape, size_t element_size, const std::string& what) {
  size_t size = element_size;
  for (const int64_t dimension : shape) {
    if (__builtin_mul_overflow(size, static_cast<size_t>(dimension), &size)) Invalid(what + ": the shape is too large");
  }
  return size;
}

// Reads one feed; its data last, because reading a property may run JavaScript that moves the buffer (A, B).
inline std::pair<TF_Output, Tensor> ReadFeed(napi_env env, Session& session, napi_value feed) {
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

inline TF_Output ReadFetch(napi_env env, Session& session, napi_value value) {
  const std::string name = String(env, value, "fetch name");
  const TF_Output output = session.Find(name);
  const TF_DataType dtype = TF_OperationOutputType(output);
  if (FlatElementSize(dtype) == 0) {
    Fail(TF_UNIMPLEMENTED, "fetch \"" + name + "\": dtype " + std::to_string(dtype) + " cannot be read as bytes");
  }
  return output;
}

inline void FreeTensor(napi_env, void*, void* tensor) { TF_DeleteTensor(static_cast<TF_Tensor*>(tensor)); }

// An ArrayBuffer over the tensor's own memory (C), or a copy where the runtime forbids foreign memory.
inline napi_value ToArrayBuffer(napi_env env, Tensor tensor) {
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

inline napi_value ToResult(napi_env env, Tensor tensor) {
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

}  // namespace hueline

#endif  // HUELINE_NATIVE_TENSORS_H_
