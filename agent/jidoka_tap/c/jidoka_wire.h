/* Numbers of the record wire, version 1. Made by tools/tap_header.py from jidoka_tap/wire.py; don't edit. */

#ifndef JIDOKA_WIRE_H
#define JIDOKA_WIRE_H

/* of this library */
#define JDK_VERSION "0.1.0"

/* messages */
#define JDK_WIRE_MAGIC    "JDR1"
#define JDK_WIRE_VERSION  1
#define JDK_KIND_HELLO    1
#define JDK_KIND_WELCOME  2
#define JDK_KIND_REFUSED  3
#define JDK_KIND_BEAT     4
#define JDK_KIND_RECORD   5
#define JDK_KIND_VERDICT  6
#define JDK_KIND_GOODBYE  7
#define JDK_KIND_SHOW     8
#define JDK_WANTS_VERDICT 1

/* limits */
#define JDK_INLINE_LIMIT_BYTES 60000
#define JDK_BEAT_INTERVAL_NS   100000000u
#define JDK_MAX_RANK           6
#define JDK_MAX_TENSORS        64
#define JDK_ARENA_ALIGN        64

/* role of a tensor, and what is or-ed into it on the wire */
#define JDK_INPUT    0
#define JDK_OUTPUT   1
#define JDK_NOT_SENT 2
#define JDK_IN_ARENA 4

/* index of an input that is none of the model's: a small picture */
#define JDK_THUMBNAIL 0xFFFF

/* levels of a verdict */
#define JDK_PASS    0
#define JDK_SUSPECT 1
#define JDK_REJECT  2

/* element types: ONNX's own numbers (TensorProto.DataType) */
#define JDK_FLOAT32 1
#define JDK_UINT8   2
#define JDK_INT8    3
#define JDK_UINT16  4
#define JDK_INT16   5
#define JDK_INT32   6
#define JDK_INT64   7
#define JDK_BOOL    9
#define JDK_FLOAT16 10
#define JDK_FLOAT64 11
#define JDK_UINT32  12
#define JDK_UINT64  13

/* X(number, bytes of one element) for each element type */
#define JDK_EACH_DTYPE(X) X(1, 4) X(2, 1) X(3, 1) X(4, 2) X(5, 2) X(6, 4) X(7, 8) X(9, 1) X(10, 2) X(11, 8) X(12, 4) X(13, 8)

/* header: size and offsets of its fields, little-endian */
#define JDK_HEADER_SIZE       20
#define JDK_HEADER_AT_MAGIC   0
#define JDK_HEADER_AT_VERSION 4
#define JDK_HEADER_AT_KIND    5
#define JDK_HEADER_AT_FLAGS   6
#define JDK_HEADER_AT_LENGTH  8
#define JDK_HEADER_AT_SENT_NS 12

/* record: size and offsets of its fields, little-endian */
#define JDK_RECORD_SIZE          40
#define JDK_RECORD_AT_NUMBER     0
#define JDK_RECORD_AT_PART       8
#define JDK_RECORD_AT_START_NS   16
#define JDK_RECORD_AT_LATENCY_NS 24
#define JDK_RECORD_AT_POSITION   32
#define JDK_RECORD_AT_RECIPE     34
#define JDK_RECORD_AT_TENSORS    36
#define JDK_RECORD_AT_SLOT       38

/* tensor: size and offsets of its fields, little-endian */
#define JDK_TENSOR_SIZE          36
#define JDK_TENSOR_AT_FLAGS      0
#define JDK_TENSOR_AT_DTYPE      1
#define JDK_TENSOR_AT_RANK       2
#define JDK_TENSOR_AT_RESERVED   3
#define JDK_TENSOR_AT_INDEX      4
#define JDK_TENSOR_AT_RESERVED_2 6
#define JDK_TENSOR_AT_BYTES      8
#define JDK_TENSOR_AT_SHAPE      12

/* beat: size and offsets of its fields, little-endian */
#define JDK_BEAT_SIZE        24
#define JDK_BEAT_AT_SENT     0
#define JDK_BEAT_AT_DROPPED  8
#define JDK_BEAT_AT_NOT_SENT 16

/* verdict: size and offsets of its fields, little-endian */
#define JDK_VERDICT_SIZE          24
#define JDK_VERDICT_AT_NUMBER     0
#define JDK_VERDICT_AT_PART       8
#define JDK_VERDICT_AT_REASONS    16
#define JDK_VERDICT_AT_LEVEL      20
#define JDK_VERDICT_AT_PART_LEVEL 22

/* slot: size and offsets of its fields, little-endian */
#define JDK_SLOT_SIZE        64
#define JDK_SLOT_AT_BEGUN    0
#define JDK_SLOT_AT_ENDED    8
#define JDK_SLOT_AT_RELEASED 16

#endif
