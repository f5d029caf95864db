/* ONNX Runtime's C API with a gate: onnxruntime MODEL_FILE SOCKET MODEL_ID CALLS
 *
 * Runs a model of one input and up to 16 outputs on zeros (free axes are 1), and uses the outputs of a call only if the
 * monitor lets it. ONNXTensorElementDataType has the wire's numbers, so that tensors need no translation.
 */

#include <onnxruntime_c_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "jidoka_tap.h"

#define MOST_OUTPUTS 16
#define MOST_AXES 8
#define DEADLINE_NS 100000000u

static const OrtApi *ort;

/* End the program with ONNX Runtime's own words. */
static void must(OrtStatus *status) {
    if (!status) return;
    fprintf(stderr, "onnxruntime: %s\n", ort->GetErrorMessage(status));
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The tensor of an OrtValue; its shape goes to axes. A value that is none, as a list of maps, is only named. */
static jdk_tensor tensor_of(uint8_t role, uint16_t index, OrtValue *value, int64_t axes[MOST_AXES]) {
    OrtTensorTypeAndShapeInfo *info;
    ONNXTensorElementDataType type;
    size_t rank;
    void *data = NULL;
    int is_tensor;
    must(ort->IsTensor(value, &is_tensor));
    if (!is_tensor) return jdk_tensor_of(role, index, 0, NULL, 0, NULL);
    must(ort->GetTensorTypeAndShape(value, &info));
    must(ort->GetTensorElementType(info, &type));
    must(ort->GetDimensionsCount(info, &rank));
    rank = rank < MOST_AXES ? rank : MOST_AXES; /* the wire knows six; of more only the name goes */
    must(ort->GetDimensions(info, axes, rank));
    ort->ReleaseTensorTypeAndShapeInfo(info);
    if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) must(ort->GetTensorMutableData(value, &data));
    return jdk_tensor_of(role, index, (uint8_t)type, axes, (uint32_t)rank, data);
}

/* A tensor of zeros as the model's first input wants it, in memory of its own; no element has more than 8 bytes. */
static OrtValue *zeros_for(const OrtSession *session, void **memory) {
    OrtTypeInfo *type;
    const OrtTensorTypeAndShapeInfo *info;
    ONNXTensorElementDataType element;
    int64_t axes[MOST_AXES];
    size_t rank, elements = 1;
    OrtMemoryInfo *where;
    OrtValue *value;
    must(ort->SessionGetInputTypeInfo(session, 0, &type));
    must(ort->CastTypeInfoToTensorInfo(type, &info));
    must(ort->GetTensorElementType(info, &element));
    must(ort->GetDimensionsCount(info, &rank));
    rank = rank < MOST_AXES ? rank : MOST_AXES;
    must(ort->GetDimensions(info, axes, rank));
    for (size_t n = 0; n < rank; n++) {
        axes[n] = axes[n] > 0 ? axes[n] : 1;
        elements *= (size_t)axes[n];
    }
    *memory = calloc(elements, 8);
    if (!*memory) exit(1);
    must(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &where));
    must(ort->CreateTensorWithDataAsOrtValue(where, *memory, elements * 8, axes, rank, element, &value));
    ort->ReleaseMemoryInfo(where);
    ort->ReleaseTypeInfo(type);
    return value;
}

int main(int count, char **arguments) {
    if (count != 5) {
        fprintf(stderr, "onnxruntime MODEL_FILE SOCKET MODEL_ID CALLS\n");
        return 2;
    }
    OrtEnv *environment;
    OrtSessionOptions *session_options;
    OrtSession *session;
    OrtAllocator *allocator;
    ort = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    if (!ort) {
        fprintf(stderr, "the library is older than the header it was built with\n");
        return 1;
    }
    must(ort->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "example", &environment));
    must(ort->CreateSessionOptions(&session_options));
    must(ort->SetIntraOpNumThreads(session_options, 1));
    must(ort->CreateSession(environment, arguments[1], session_options, &session));
    must(ort->GetAllocatorWithDefaultOptions(&allocator));

    size_t outputs_count;
    char *input_name, *output_names[MOST_OUTPUTS];
    must(ort->SessionGetInputName(session, 0, allocator, &input_name));
    must(ort->SessionGetOutputCount(session, &outputs_count));
    outputs_count = outputs_count < MOST_OUTPUTS ? outputs_count : MOST_OUTPUTS;
    for (size_t n = 0; n < outputs_count; n++)
        must(ort->SessionGetOutputName(session, n, allocator, &output_names[n]));

    jdk_options options = jdk_options_for(arguments[3]);
    options.socket = arguments[2];
    options.runtime = "ONNX Runtime, C";
    options.inputs = (const char *const *)&input_name;
    options.inputs_count = 1;
    options.outputs = (const char *const *)output_names;
    options.outputs_count = outputs_count;
    options.gate = JDK_GATE_REJECT;
    options.log = jdk_log_stderr;
    jdk_tap *tap;
    if (jdk_tap_open(&options, &tap) != JDK_OK) return 1;
    jdk_tap_wait_connected(tap, 1000000000u); /* until then each call would be refused */

    void *memory;
    OrtValue *input = zeros_for(session, &memory);
    for (long call = 1; call <= strtol(arguments[4], NULL, 10); call++) {
        OrtValue *values[MOST_OUTPUTS] = {NULL};
        jdk_tensor tensors[MOST_OUTPUTS + 1];
        int64_t axes[MOST_OUTPUTS + 1][MOST_AXES];
        jdk_record record = {.part = (uint64_t)call, .tensors = tensors, .tensors_count = outputs_count + 1};
        record.start_ns = now_ns();
        must(ort->Run(session, NULL, (const char *const *)&input_name, (const OrtValue *const *)&input, 1,
                      (const char *const *)output_names, outputs_count, values));
        record.end_ns = now_ns();
        for (size_t n = 0; n < outputs_count; n++)
            tensors[n] = tensor_of(JDK_OUTPUT, (uint16_t)n, values[n], axes[n]);
        tensors[outputs_count] = tensor_of(JDK_INPUT, 0, input, axes[outputs_count]);
        jdk_verdict verdict;
        jdk_status status = jdk_tap_record_and_wait(tap, &record, DEADLINE_NS, &verdict);
        char reasons[200];
        printf("part %ld: %s. %s\n", call, jdk_may_use(status) ? "used" : jdk_status_text(status),
               jdk_tap_reasons(tap, verdict.reasons, reasons, sizeof reasons));
        for (size_t n = 0; n < outputs_count; n++) ort->ReleaseValue(values[n]);
    }
    jdk_tap_close(tap);
    ort->ReleaseValue(input);
    free(memory);
    ort->ReleaseSession(session);
    ort->ReleaseSessionOptions(session_options);
    ort->ReleaseEnv(environment);
    return 0;
}
