/* The firmware on the board: UART0 is the agent's line, UART1 the panel of a test rig, the LEDs are the relays. */

#include "board.h"
#include "retained.h"
#include "rig.h"

/* frames are found by their length; a pause only ends what nobody will finish any more */
#define SILENCE_MS 1000U

/* What a site sets, in flash behind the program, so that no fault of the RAM changes it. */
struct settings {
    uint32_t magic;
    struct jidoka_plc_config config;
    uint32_t scan_ms;
    uint32_t rate_mhz;
    uint32_t recipe;
    uint32_t baud;
    uint32_t watchdog_ms; /* to the interrupt, and as long again to the reset; 0: the board's */
};

#define SETTINGS ((const volatile struct settings *)0x00007F00U)
#define SETTINGS_MAGIC 0x4A444B31U

static const struct settings defaults = {
    .magic = SETTINGS_MAGIC,
    .config = {.hold_limit_ms = 500U, .relay_ms = 35U, .unit = 1U},
    .scan_ms = 10U,
    .rate_mhz = 10000U,
    .recipe = 0U,
    .baud = 19200U,
    .watchdog_ms = 0U,
};

extern uint32_t bss_begin;
extern uint32_t bss_end;

static struct jidoka_rig rig;
static uint32_t scanned_ms;
static uint32_t heard_ms;

static void write_hex(uint32_t value) {
    uint32_t shift = 28U;
    while ((shift != 0U) && ((value >> shift) == 0U)) {
        shift -= 4U;
    }
    board_panel_write(' ');
    for (;;) {
        board_panel_write("0123456789ABCDEF"[(value >> shift) & 0xFU]);
        if (shift == 0U) {
            break;
        }
        shift -= 4U;
    }
}

/* A letter, three numbers and the ms of our clock. */
void jidoka_tell(char what, uint32_t one, uint32_t two, uint32_t three) {
    board_panel_write(what);
    write_hex(one);
    write_hex(two);
    write_hex(three);
    write_hex(board_now_ms());
    board_panel_write('\n');
}

static uint32_t boot(void) {
    uint32_t cause = BOOT_POWER_UP;
    if (!jidoka_record_is_whole(&retained.record)) {
        jidoka_record_clear(&retained.record);
        retained.boots = 0U;
    } else if (retained.mark == RETAINED_WATCHDOG) {
        cause = BOOT_WATCHDOG;
    } else if (retained.mark == RETAINED_FAULT) {
        cause = BOOT_FAULT;
    } else {
        cause = BOOT_RESET;
    }
    retained.mark = RETAINED_RUNNING;
    retained.boots++;
    return cause;
}

static uint32_t output_bits(uint32_t word) {
    uint32_t bits = 0U;
    if (word == JIDOKA_WORD_MACHINE_AND_AI) {
        bits = 3U;
    } else if (word == JIDOKA_WORD_MACHINE) {
        bits = 1U;
    } else {
        /* nothing */
    }
    return bits;
}

static uint16_t output_word(uint32_t bits) {
    static const uint16_t words[4] = {JIDOKA_WORD_WITHHOLD, JIDOKA_WORD_MACHINE, JIDOKA_WORD_ABSTAIN,
                                      JIDOKA_WORD_MACHINE_AND_AI};
    return words[bits];
}

/* frames of what only runs at times mustn't lie below the scan's */
#define APART __attribute__((noinline))

static bool are_set(const volatile struct settings *given) {
    return (given->magic == SETTINGS_MAGIC) && (given->config.hold_limit_ms <= 2550U) && (given->config.unit != 0U) &&
           (given->config.unit < 248U) && (given->scan_ms != 0U) && (given->rate_mhz != 0U) && (given->baud != 0U);
}

/* Found out anew each time, so that no pointer to them lies in RAM. */
static const struct settings *site(void) {
    return are_set(SETTINGS) ? (const struct settings *)SETTINGS : &defaults;
}

APART static void listen(void) {
    uint8_t byte;
    char character;
    while (!rig.modbus.has_request && board_agent_read(&byte)) {
        (void)jidoka_modbus_feed(&rig.modbus, site()->config.unit, &byte, 1U);
        heard_ms = board_now_ms();
    }
    while (board_panel_read(&character)) {
        jidoka_rig_panel(&rig, character);
    }
}

APART static void begin(void) {
    FPGA_IO->leds = 0U;
    for (uint32_t *word = &bss_begin; word < &bss_end; word++) {
        *word = 0U;
    }
    board_init(site()->baud, site()->watchdog_ms);
    const uint32_t cause = boot();
    scanned_ms = board_now_ms();
    heard_ms = scanned_ms;
    jidoka_rig_init(&rig, scanned_ms, site()->rate_mhz, (uint16_t)site()->recipe);
    jidoka_tell('r', cause, retained.boots, site()->scan_ms);
}

APART static void scan(void) {
    rig.in.now_ms = scanned_ms;
    rig.in.actual = output_word(board_output());
    rig.in.random = board_random();
    jidoka_rig_scan(&rig, &retained.record, &site()->config);
    board_set_output(output_bits(rig.output));
    while (rig.machine.hangs) {
    }
    board_feed_watchdog(); /* only here: a scan came because the clock has moved */
}

APART static void answer(void) {
    uint8_t byte;
    if (board_agent_can_write() && jidoka_modbus_next(&rig.modbus, &retained.record, site()->config.unit, &byte)) {
        board_agent_write(byte);
    }
}

/* What the time brings. */
APART static bool is_scan_due(void) {
    const uint32_t now_ms = board_now_ms();
    const bool is_due = (now_ms - scanned_ms) >= site()->scan_ms;
    if ((now_ms - heard_ms) > SILENCE_MS) {
        jidoka_modbus_silence(&rig.modbus);
    }
    if (is_due) {
        scanned_ms = now_ms;
    }
    return is_due;
}

void reset(void) {
    begin();
    for (;;) {
        listen();
        answer();
        if (is_scan_due()) {
            scan();
        }
    }
}
