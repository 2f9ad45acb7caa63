#include <node_api.h>
static napi_value answer(napi_env env, napi_callback_info info) { napi_value v; napi_create_int32(env, 42, &v); return v; }
static napi_value init(napi_env env, napi_value exports) { napi_value f; napi_create_function(env, 0, 0, answer, 0, &f); napi_set_named_property(env, exports, "answer", f); return exports; }
NAPI_MODULE(fast, init)
