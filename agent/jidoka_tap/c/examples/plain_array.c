/* A program that shows the monitor a plain array: plain_array [SOCKET] [RECORDS]. A model that isn't one stands in. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "jidoka_tap.h"

int main(int count, char **arguments) {
    const char *outputs[] = {"logits"};
    const int64_t shape[] = {1, 2};
    const long records = count > 2 ? strtol(arguments[2], NULL, 10) : 10;
    const struct timespec cycle = {0, 20000000};

    jdk_options options = jdk_options_for("plain-array");
    options.socket = count > 1 ? arguments[1] : NULL;
    options.runtime = "plain C";
    options.outputs = outputs;
    options.outputs_count = 1;
    options.log = jdk_log_stderr;
    jdk_tap *tap = NULL;
    jdk_status status = jdk_tap_open(&options, &tap);
    if (status != JDK_OK) {
        fprintf(stderr, "no tap: %s\n", jdk_status_text(status));
        return 1;
    }
    jdk_tap_wait_connected(tap, 1000000000); /* only so that the first record of so short a program isn't dropped */
    for (long n = 0; n < records; n++) {
        float logits[2] = {(float)n, -(float)n}; /* here the model runs */
        jdk_tensor tensors[] = {jdk_output(0, JDK_FLOAT32, shape, 2, logits)};
        jdk_record record = {.part = (uint64_t)n + 1, .tensors = tensors, .tensors_count = 1};
        jdk_tap_record(tap, &record); /* its result is for those who want to know: the program goes on in any case */
        nanosleep(&cycle, NULL);
    }
    jdk_counts counts;
    jdk_tap_counts(tap, &counts);
    printf("%llu records, %llu sent, %llu dropped\n", (unsigned long long)counts.records,
           (unsigned long long)counts.sent, (unsigned long long)counts.dropped);
    jdk_tap_close(tap);
    return 0;
}
