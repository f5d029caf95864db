/* Reads WELCOME bodies from stdin, each behind its length (4 bytes), and prints what jdk_read_terms makes of them. */

#include <stdio.h>
#include <stdlib.h>

#include "terms.h"

int main(void) {
    char *input_names[] = {"a", "b", "größe"}, *output_names[] = {"a", "\xf0\x9f\x9a\x82", "\"c\\"};
    const jdk_names inputs = {input_names, 3}, outputs = {output_names, 3};
    static jdk_terms terms;
    static jdk_notes notes;
    terms.wants_input = calloc(3, sizeof(bool));
    terms.wants_output = calloc(3, sizeof(bool));
    uint32_t size;
    while (fread(&size, sizeof size, 1, stdin) == 1) {
        char *body = malloc(size ? size : 1); /* of its own: one byte beyond it is an error that is found */
        if (!body || fread(body, 1, size, stdin) != size) return 1;
        if (!jdk_read_terms(&terms, &inputs, &outputs, body, size, &notes)) {
            printf("bad\n");
        } else {
            printf("every %llu roi %d %llu %llu %llu %llu limit %zu arena %zu %zu in %d%d%d out %d%d%d",
                   (unsigned long long)terms.every, terms.has_roi, (unsigned long long)terms.roi.x,
                   (unsigned long long)terms.roi.y, (unsigned long long)terms.roi.width,
                   (unsigned long long)terms.roi.height, terms.inline_limit_bytes, terms.slots, terms.slot_bytes,
                   terms.wants_input[0], terms.wants_input[1], terms.wants_input[2], terms.wants_output[0],
                   terms.wants_output[1], terms.wants_output[2]);
            for (unsigned bit = 0; bit < JDK_REASONS; bit++)
                if (terms.reasons[bit][0]) printf(" %u=%s", bit, terms.reasons[bit]);
            printf("\n");
        }
        free(body);
    }
    free(terms.wants_input);
    free(terms.wants_output);
    return 0;
}
