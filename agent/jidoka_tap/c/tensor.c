/* Sizes, regions and copies of tensors, see tensor.h. */

#include "tensor.h"

#include <string.h>

static size_t element_bytes(uint8_t dtype) {
#define JDK_SIZE_OF(number, bytes) case number: return bytes;
    switch (dtype) {
        JDK_EACH_DTYPE(JDK_SIZE_OF)
        default: return 0;
    }
#undef JDK_SIZE_OF
}

/* a × b, SIZE_MAX where that is more. */
static size_t times(size_t a, size_t b) {
    size_t product;
    return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

bool jdk_source_of(jdk_source *source, const jdk_tensor *tensor) {
    size_t element = element_bytes(tensor->dtype), bytes = element;
    bool is_empty = false;
    if (tensor->rank && !tensor->shape) return false;
    memset(source, 0, sizeof *source);
    for (uint32_t n = 0; n < tensor->rank; n++) {
        if (tensor->shape[n] < 0 || tensor->shape[n] > (int64_t)UINT32_MAX) return false;
        if (n < JDK_MAX_RANK) source->shape[n] = (uint32_t)tensor->shape[n];
        is_empty = is_empty || tensor->shape[n] == 0;
        bytes = times(bytes, (size_t)tensor->shape[n]);
    }
    source->data = tensor->data;
    source->dtype = element ? tensor->dtype : 0;
    source->is_known = element && tensor->rank <= JDK_MAX_RANK;
    source->bytes = source->run_bytes = is_empty ? 0 : bytes;
    source->planes = source->lines = 1;
    return true;
}

/* Where a range that begins at `first` and has `count` ends within `most`, as slices are cut. */
static size_t cut(uint64_t first, uint64_t count, size_t most) {
    return first >= most ? 0 : (size_t)(count < most - first ? count : most - first);
}

void jdk_source_cut(jdk_source *source, const jdk_tensor *tensor, const jdk_roi *roi) {
    uint32_t rank = tensor->rank;
    if (rank < 3 || !source->is_known || source->bytes == 0 || source->bytes == SIZE_MAX) return;
    /* rows and columns are the last two axes, or the two before the last where that has 1 to 4 entries and the third
     * from last has more: channels last */
    bool is_last = source->shape[rank - 1] <= 4 && source->shape[rank - 3] > 4;
    uint32_t at = is_last ? rank - 3 : rank - 2;
    size_t rows = source->shape[at], columns = source->shape[at + 1];
    size_t pixel = element_bytes(tensor->dtype) * (is_last ? source->shape[rank - 1] : 1);
    size_t height = cut(roi->y, roi->height, rows), width = cut(roi->x, roi->width, columns);
    source->plane_stride = rows * columns * pixel;
    source->planes = source->bytes / source->plane_stride;
    source->line_stride = columns * pixel;
    source->lines = height;
    source->run_bytes = width * pixel;
    source->shape[at] = (uint32_t)height;
    source->shape[at + 1] = (uint32_t)width;
    source->bytes = source->planes * height * source->run_bytes;
    if (source->bytes && source->data) source->data += (size_t)roi->y * source->line_stride + (size_t)roi->x * pixel;
    if (width == columns) { /* whole lines lie side by side */
        source->run_bytes *= height;
        source->lines = 1;
        if (height == rows || source->planes == 1) {
            source->run_bytes *= source->planes;
            source->planes = 1;
        }
    }
}

void jdk_source_copy(const jdk_source *source, unsigned char *to, size_t padded) {
    if (source->bytes) {
        for (size_t plane = 0; plane < source->planes; plane++) {
            const unsigned char *from = source->data + plane * source->plane_stride;
            for (size_t line = 0; line < source->lines; line++, from += source->line_stride, to += source->run_bytes)
                memcpy(to, from, source->run_bytes);
        }
    }
    memset(to, 0, padded - source->bytes);
}
