/* jidoka_tap: shows the Jidoka monitor what a model sees and says, from C and C++ programs.
 *
 * Open one tap for each model, hand it the tensors of each inference, close it at the end:
 *
 *     jdk_options options = jdk_options_for("surface-inspection");
 *     const char *outputs[] = {"logits"};
 *     options.outputs = outputs;
 *     options.outputs_count = 1;
 *     jdk_tap *tap = NULL;
 *     if (jdk_tap_open(&options, &tap) != JDK_OK) ...
 *     const int64_t shape[] = {1, 2};
 *     jdk_tensor tensors[] = {jdk_output(0, JDK_FLOAT32, shape, 2, logits)};
 *     jdk_tap_record(tap, &(jdk_record){.tensors = tensors, .tensors_count = 1, .part = 4711});
 *
 * What holds for every function:
 *  - Nothing waits for the monitor, but jdk_tap_record_and_wait for its verdict. No signal is raised, no signal
 *    handler is set, nothing is thrown, errno means nothing afterwards.
 *  - After jdk_tap_open the calls for records allocate nothing. The connection is the library's own thread's: it
 *    connects, beats every 100 ms, tries again after 0.1 to 2 s, whatever happens to the monitor.
 *  - All functions but jdk_tap_close may be called by any threads at once. Records of one tap are made one after the
 *    other: a thread may wait for another one's copy, never for the monitor.
 *  - The monitor takes one writer a model: share the tap between the threads and sessions that run the model.
 *  - After fork() the child's tap is a new one with counts of its own, which connects at the child's first record (as
 *    the same model: only one of the two is taken). The parent notices nothing.
 * Needs Linux, a little-endian machine and C11 or C++17. Link with -ljidoka_tap -pthread.
 */

#ifndef JIDOKA_TAP_H
#define JIDOKA_TAP_H

#include <stddef.h>
#include <stdint.h>

#include "jidoka_wire.h" /* element types, roles, levels, limits */

#ifdef __cplusplus
extern "C" {
#endif

#define JDK_API __attribute__((visibility("default")))

#define JDK_DEFAULT_SOCKET "/run/jidoka/tap/tap.sock"

typedef struct jdk_tap jdk_tap;

/* What became of a call. */
typedef enum jdk_status {
    JDK_OK = 0,            /* done; from a gate: a verdict came, and it is pass or suspect */
    JDK_REJECTED = 1,      /* gate: the verdict is reject. The outputs must not be used. */
    JDK_SILENT_REJECT = 2, /* gate: no verdict came, and the tap was opened so that this counts as a reject */
    JDK_SILENT_PASS = 3,   /* gate: no verdict came, and the tap was opened so that this counts as a pass */
    JDK_NOT_CONNECTED = 4, /* the record was dropped: no monitor is connected */
    JDK_BUSY = 5,          /* the record was dropped: the monitor takes no more at the moment */
    JDK_TIMEOUT = 6,       /* why a gate is silent: the deadline is over */
    JDK_GONE = 7,          /* why a gate is silent: the monitor went away before its verdict */
    JDK_BAD_ARGUMENT = 8,  /* an argument can't be; a record with it was dropped */
    JDK_NO_RESOURCES = 9   /* no memory, thread or descriptor */
} jdk_status;

/* What stands for a verdict that doesn't come. */
typedef enum jdk_gate {
    JDK_NO_GATE = 0,       /* nobody waits for verdicts */
    JDK_GATE_REJECT = 1,   /* silence is a reject: the safe side */
    JDK_GATE_PASS = 2      /* silence is a pass, counted as unjudged */
} jdk_gate;

/* Called by the library's own thread (without one: within jdk_tap_poll), never within a call for a record.
 * level: 0 information, 1 warning. text: one line, valid during the call. Don't call the tap from it. */
typedef void (*jdk_log)(void *context, int level, const char *text);

/* How to open a tap. Begin with jdk_options_for: fields may be added behind the last one. Everything is copied. */
typedef struct jdk_options {
    size_t size;                /* of this struct, set by jdk_options_for */
    const char *model;          /* id in the monitor's plan; NULL or "": found by sha256 */
    const char *sha256;         /* of the model's file, 64 hexadecimal digits; NULL or "" = not known */
    const char *socket;         /* NULL: the environment's JIDOKA_TAP_SOCKET, else JDK_DEFAULT_SOCKET */
    const char *runtime;        /* what runs the model, for people: "TensorRT 10.3" */
    const char *const *inputs;  /* names of all inputs, in the model's order, as the manifest has them */
    size_t inputs_count;
    const char *const *outputs; /* the same of all outputs */
    size_t outputs_count;
    jdk_gate gate;
    int has_no_thread;          /* 1: the program calls jdk_tap_poll itself */
    jdk_log log;                /* NULL: nothing is said; jdk_log_stderr says it on stderr */
    void *log_context;
} jdk_options;

/* One tensor of an inference: elements in C order (the last axis runs fastest), without gaps. */
typedef struct jdk_tensor {
    uint8_t role;         /* JDK_INPUT, JDK_OUTPUT */
    uint8_t dtype;        /* JDK_FLOAT32, ...; ONNXTensorElementDataType has the same numbers */
    uint16_t index;       /* among the names of jdk_options, or JDK_THUMBNAIL */
    uint32_t rank;        /* axes; of more than JDK_MAX_RANK only the name is sent */
    const int64_t *shape; /* rank numbers */
    const void *data;     /* NULL: only the name is sent, as of a tensor on a GPU that nobody wants to copy */
} jdk_tensor;

/* One inference. Inputs are left out of the records that the monitor wants none in, and so are tensors that it wants
 * never: hand in what is there. Of tensors that don't all fit the first ones are sent: the outputs come first. */
typedef struct jdk_record {
    uint64_t part;     /* number of the part that the model looked at; 0 = unknown */
    uint16_t position; /* which of several looks at the part; 0 = unknown */
    uint16_t recipe;   /* what is being made; 0 = unknown */
    uint64_t start_ns; /* CLOCK_MONOTONIC when the inference began; 0 = as end_ns */
    uint64_t end_ns;   /* and ended; 0 = now */
    const jdk_tensor *tensors;
    size_t tensors_count;
} jdk_record;

/* What the monitor says of one record. */
typedef struct jdk_verdict {
    uint64_t number;     /* of the record; 0: it wasn't sent */
    uint64_t part;
    uint32_t reasons;    /* bits; jdk_tap_reasons has their texts */
    uint16_t level;      /* JDK_PASS, JDK_SUSPECT, JDK_REJECT; in silence what stands for it */
    uint16_t part_level; /* worst of all records of this part so far, over all models */
    jdk_status silence;  /* JDK_OK: a verdict came; else why none came */
} jdk_verdict;

/* What was done so far, all numbers of one moment. records = sent + dropped. */
typedef struct jdk_counts {
    uint64_t records;
    uint64_t sent;
    uint64_t dropped;          /* no monitor, a monitor that takes no more, bad arguments */
    uint64_t tensors_not_sent; /* only named: too large, of a kind the wire doesn't know, without data */
    uint64_t arena_full;       /* records some of whose tensors found no room in the monitor's memory */
    uint64_t unjudged;         /* gated calls without a verdict */
    uint64_t rejected;         /* gated calls with a verdict of reject */
    int is_connected;
} jdk_counts;

/* Open a tap and begin to connect. Fails only for arguments that can't be (JDK_BAD_ARGUMENT: no model, a name that
 * isn't UTF-8 or is longer than 1000 bytes, names of more than 60 kB in all) and without resources (JDK_NO_RESOURCES);
 * *tap is then NULL. A monitor that isn't there is no failure. */
JDK_API jdk_status jdk_tap_open(const jdk_options *options, jdk_tap **tap);

/* Say goodbye and free everything. No other thread may use the tap any more. NULL is allowed. */
JDK_API void jdk_tap_close(jdk_tap *tap);

/* Send one inference; never waits for the monitor. JDK_OK, JDK_NOT_CONNECTED, JDK_BUSY or JDK_BAD_ARGUMENT. The data is
 * copied before this returns. */
JDK_API jdk_status jdk_tap_record(jdk_tap *tap, const jdk_record *record);

/* Send one inference and wait for the monitor's verdict of it, at most timeout_ns from now (at most a minute). The tap
 * must have been opened as a gate. JDK_OK, JDK_REJECTED, JDK_SILENT_REJECT or JDK_SILENT_PASS, or JDK_BAD_ARGUMENT;
 * verdict (NULL: not wanted) is filled in any case. Use the outputs only if jdk_may_use says so. */
JDK_API jdk_status jdk_tap_record_and_wait(jdk_tap *tap, const jdk_record *record, uint64_t timeout_ns,
                                           jdk_verdict *verdict);

/* 1 if the monitor wants this tensor in the next record: ask before you copy it from a GPU. 0 without a monitor. */
JDK_API int jdk_tap_wants(jdk_tap *tap, int role, size_t index);

/* For a tap without a thread: connect, beat, listen as is due, without waiting. Returns the ns until it is due again:
 * at most 100 ms, else the monitor takes the application for dead. Does nothing where the tap has a thread. */
JDK_API uint64_t jdk_tap_poll(jdk_tap *tap);

/* Wait until the monitor takes records; 0 after the limit. No application needs it; tests do. Not without a thread. */
JDK_API int jdk_tap_wait_connected(jdk_tap *tap, uint64_t limit_ns);

JDK_API void jdk_tap_counts(jdk_tap *tap, jdk_counts *counts);

/* The monitor's sentences for these reason bits, separated by "; ", cut at size - 1 bytes. Returns text. */
JDK_API char *jdk_tap_reasons(jdk_tap *tap, uint32_t reasons, char *text, size_t size);

/* A sentence for a status, for people. */
JDK_API const char *jdk_status_text(jdk_status status);

/* A jdk_log that writes to stderr. */
JDK_API void jdk_log_stderr(void *context, int level, const char *text);

/* 1 if the outputs of a gated call may be used. */
static inline int jdk_may_use(jdk_status status) { return status == JDK_OK || status == JDK_SILENT_PASS; }

static inline jdk_options jdk_options_for(const char *model) {
    jdk_options options = {sizeof(jdk_options), model, NULL, NULL, NULL, NULL, 0, NULL, 0, JDK_NO_GATE, 0, NULL, NULL};
    return options;
}

static inline jdk_tensor jdk_tensor_of(uint8_t role, uint16_t index, uint8_t dtype, const int64_t *shape, uint32_t rank,
                                       const void *data) {
    jdk_tensor tensor = {role, dtype, index, rank, shape, data};
    return tensor;
}

static inline jdk_tensor jdk_output(uint16_t index, uint8_t dtype, const int64_t *shape, uint32_t rank,
                                    const void *data) {
    return jdk_tensor_of(JDK_OUTPUT, index, dtype, shape, rank, data);
}

static inline jdk_tensor jdk_input(uint16_t index, uint8_t dtype, const int64_t *shape, uint32_t rank,
                                   const void *data) {
    return jdk_tensor_of(JDK_INPUT, index, dtype, shape, rank, data);
}

/* A small picture of what the model gets, where the input itself can't be copied: 8 bits, shape {height, width} for
 * grey or {height, width, 3} for red, green, blue. It goes with its record whatever the monitor wants of inputs. */
static inline jdk_tensor jdk_thumbnail(const int64_t *shape, uint32_t rank, const void *pixels) {
    return jdk_tensor_of(JDK_INPUT, JDK_THUMBNAIL, JDK_UINT8, shape, rank, pixels);
}

#ifdef __cplusplus
}
#endif

#endif
