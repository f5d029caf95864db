/* One tensor of a record: its size, the region of it that is wanted, and the copy. Pure. */

#ifndef JIDOKA_TENSOR_H
#define JIDOKA_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jidoka_tap.h"
#include "terms.h"

/* What of an array goes on the wire: `planes` times `lines` runs of `run_bytes`, so far apart. */
typedef struct jdk_source {
    const unsigned char *data;
    size_t bytes; /* in all; SIZE_MAX: more than can be addressed */
    size_t planes, plane_stride, lines, line_stride, run_bytes;
    uint32_t shape[JDK_MAX_RANK];
    uint8_t dtype;  /* 0: the wire doesn't know it */
    bool is_known;  /* the wire knows its element type and rank */
} jdk_source;

/* False for shapes that can't be: an axis below 0 or beyond 32 bits, no shape at all. */
bool jdk_source_of(jdk_source *source, const jdk_tensor *tensor);
/* Only the region of interest. Arrays of fewer than three axes are no images and stay whole. */
void jdk_source_cut(jdk_source *source, const jdk_tensor *tensor, const jdk_roi *roi);
/* Copy it to `to`, and zeros behind it up to `padded` bytes. */
void jdk_source_copy(const jdk_source *source, unsigned char *to, size_t padded);

#endif
