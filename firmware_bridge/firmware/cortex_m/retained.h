/* Memory that outlives a reset, not the loss of power: why we began anew, and what the record knows. */

#ifndef JIDOKA_RETAINED_H
#define JIDOKA_RETAINED_H

#include "jidoka_plc.h"

#define RETAINED_RUNNING 0x52554E21U
#define RETAINED_WATCHDOG 0x57444F47U
#define RETAINED_FAULT 0x46415554U

/* why the program began */
#define BOOT_POWER_UP 0U
#define BOOT_RESET 1U
#define BOOT_WATCHDOG 2U
#define BOOT_FAULT 3U

struct retained {
    uint32_t mark;
    uint32_t boots;
    struct jidoka_record record;
};

extern struct retained retained;

/* where the processor begins: main.c */
void reset(void);

#endif
