/* The firmware's core as a program on Linux, beside `python -m jidoka_bridge.plc`: the same options, panel language
 * and JSON lines. The agent speaks Modbus RTU to it and can't tell the difference. */

#define _GNU_SOURCE

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "register_names.h"
#include "rig.h"
#include "terminal.h"

#define NS_PER_MS 1000000ULL
/* frames are found by their length; a pause only ends what nobody will finish any more */
#define SILENCE_MS 1000U

static const char *const whys[] = {"",         "hold time over", "key", "relay feedback", "withheld", "abstained",
                                   "raise without press", "press", "lowered", "memory"};

struct options {
    const char *link;
    const char *panel;
    const char *device;
    long baud;
    double rate_hz;
    long scan_ms;
    long unit;
    long hold_ms;
    long recipe;
};

static struct terminal agent_line;
static struct terminal panel_line;
static volatile sig_atomic_t is_stopped;

static void stop(int number) {
    (void)number;
    is_stopped = 1;
}

static unsigned long long now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec * 1000000000ULL + (unsigned long long)now.tv_nsec;
}

static uint32_t now_ms(void) {
    return (uint32_t)(now_ns() / NS_PER_MS);
}

/* One JSON line on stdout; nobody reading is no fault of a PLC's. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
    char text[512];
    va_list values;
    va_start(values, format);
    const int head = snprintf(text, sizeof text, "{\"ns\": %llu, \"event\": ", now_ns());
    const int body = vsnprintf(text + head, sizeof text - (size_t)head - 3U, format, values);
    va_end(values);
    if (head > 0 && body > 0) {
        size_t size = (size_t)(head + body);
        text[size++] = '}';
        text[size++] = '\n';
        if (write(STDOUT_FILENO, text, size) < 0) {
            return;
        }
    }
}

__attribute__((format(printf, 1, 2))) static void show(const char *format, ...) {
    char text[64];
    va_list values;
    va_start(values, format);
    const int size = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (size > 0) {
        terminal_write(&panel_line, text, (size_t)size);
    }
}

static const char *truth(bool is_true) {
    return is_true ? "true" : "false";
}

void jidoka_tell(char what, uint32_t one, uint32_t two, uint32_t three) {
    switch (what) {
    case 'o':
        say("\"output\", \"word\": \"%s\", \"was\": \"%s\", \"why\": \"%s\"", jidoka_word_name(one),
            jidoka_word_name(two & 0xFFFFU), whys[three & 0xFFU]);
        break;
    case 'p': say("\"press\", \"length_ms\": %u, \"accepted\": %s", one, truth(two != 0U)); break;
    case 'f': say("\"fault\", \"fault\": \"%s\"", jidoka_fault_names[one]); break;
    case 's': say("\"state\", \"state\": \"%s\"", jidoka_plc_state_names[one]); break;
    case 'k':
        say("\"key\", \"override\": %s, \"auto\": %s", truth((one & JIDOKA_INPUT_OVERRIDE_KEY) != 0U),
            truth((one & JIDOKA_INPUT_KEY_AUTO) != 0U));
        break;
    case 'c': say("\"conveyor\", \"running\": %s, \"parts\": %u", truth(one != 0U), two); break;
    case 'd': say("\"record refused\""); break;
    case 'm': say("\"memory fault\""); break;
    case 'x': say("\"refused\", \"bytes\": %u", one); break;
    case 'n': show("part %u\n", one); break;
    default: show("output %s\n", jidoka_word_name(one)); break;
    }
}

static void usage(FILE *file) {
    fprintf(file, "usage: jidoka-plc (--link PATH | --device PORT [--baud N]) --panel PATH [--rate HZ] [--scan-ms MS]\n"
                  "                  [--unit N] [--hold-ms MS] [--recipe N]\n"
                  "The C firmware as a program: Modbus RTU, with a conveyor and a panel.\n");
}

/* A number within limits; ends the program with exit code 3 otherwise. */
static double number(const char *option, const char *text, double lowest, double highest) {
    char *end;
    errno = 0;
    const double value = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || errno != 0 || !(value >= lowest && value <= highest)) {
        fprintf(stderr, "plc: error: --%s is %s. Give %g to %g.\n", option, text, lowest, highest);
        exit(3);
    }
    return value;
}

static void parse(int count, char **arguments, struct options *options) {
    static const struct option known[] = {
        {"link", required_argument, NULL, 'l'},    {"panel", required_argument, NULL, 'p'},
        {"device", required_argument, NULL, 'd'},  {"baud", required_argument, NULL, 'b'},
        {"rate", required_argument, NULL, 'r'},    {"scan-ms", required_argument, NULL, 's'},
        {"unit", required_argument, NULL, 'u'},    {"hold-ms", required_argument, NULL, 'h'},
        {"recipe", required_argument, NULL, 'c'},  {"help", no_argument, NULL, '?'},
        {NULL, 0, NULL, 0},
    };
    int letter;
    while ((letter = getopt_long(count, arguments, "", known, NULL)) != -1) {
        switch (letter) {
        case 'l': options->link = optarg; break;
        case 'p': options->panel = optarg; break;
        case 'd': options->device = optarg; break;
        case 'b': options->baud = (long)number("baud", optarg, 9600, 115200); break;
        case 'r': options->rate_hz = number("rate", optarg, 0.01, 1000); break;
        case 's': options->scan_ms = (long)number("scan-ms", optarg, 1, 1000); break;
        case 'u': options->unit = (long)number("unit", optarg, 1, 247); break;
        case 'h': options->hold_ms = (long)number("hold-ms", optarg, 10, 2550); break;
        case 'c': options->recipe = (long)number("recipe", optarg, 0, 65535); break;
        default: usage(stderr); exit(2);
        }
    }
    if ((options->link == NULL) == (options->device == NULL) || options->panel == NULL || optind != count) {
        usage(stderr);
        exit(2);
    }
}

/* Gathers what comes over both lines until the scan is due, or a request is whole. */
static void listen_until(struct jidoka_rig *rig, uint8_t unit, unsigned long long due_ns, uint32_t *heard_ms) {
    static uint8_t waiting[256];
    static size_t first;
    static size_t end;
    unsigned long long left_ns;
    do {
        first += jidoka_modbus_feed(&rig->modbus, unit, waiting + first, end - first);
        left_ns = due_ns - now_ns();
        left_ns = left_ns > 1000ULL * NS_PER_MS ? 0ULL : left_ns; /* it is past */
        struct pollfd lines[2] = {{.fd = -1, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
        /* one without its other end would report that again and again */
        if (first == end && terminal_is_connected(&agent_line)) {
            lines[0].fd = agent_line.fd;
        }
        if (terminal_is_connected(&panel_line)) {
            lines[1].fd = panel_line.fd;
        }
        const int wait_ms = left_ns == 0ULL ? 0 : (int)(left_ns / NS_PER_MS) + 1;
        if (poll(lines, 2, wait_ms) > 0) {
            if ((lines[0].revents & POLLIN) != 0) {
                first = 0U;
                end = terminal_read(&agent_line, waiting, sizeof waiting);
                *heard_ms = now_ms();
            }
        }
        /* what somebody wrote who has gone since wakes nobody */
        if ((lines[1].revents & POLLIN) != 0 || lines[1].fd < 0) {
            char typed[64];
            const size_t size = terminal_read(&panel_line, typed, sizeof typed);
            for (size_t i = 0; i < size; i++) {
                jidoka_rig_panel(rig, typed[i]);
            }
        }
    } while (left_ns != 0ULL && is_stopped == 0);
}

static void answer(struct jidoka_rig *rig, const struct jidoka_record *record, uint8_t unit) {
    uint8_t reply[256];
    size_t size = 0U;
    while (size < sizeof reply && jidoka_modbus_next(&rig->modbus, record, unit, &reply[size])) {
        size++;
    }
    if (size != 0U) {
        terminal_write(&agent_line, reply, size);
    }
}

int main(int count, char **arguments) {
    static struct jidoka_rig rig;
    static struct jidoka_record record;
    struct options options = {.baud = 19200, .rate_hz = 10.0, .scan_ms = 10, .unit = 1, .hold_ms = 500};
    const char *const dies = getenv("JIDOKA_DIE_WITH_PARENT"); /* set by tests, which leave nothing running */
    if (dies != NULL && dies[0] == '1') {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    parse(count, arguments, &options);
    const struct jidoka_plc_config config = {
        .hold_limit_ms = (uint32_t)options.hold_ms, .relay_ms = 35U, .unit = (uint8_t)options.unit};
    if (options.device != NULL) {
        terminal_device(&agent_line, options.device, options.baud);
    } else {
        terminal_open(&agent_line, options.link);
    }
    terminal_open(&panel_line, options.panel);
    (void)signal(SIGTERM, stop);
    (void)signal(SIGINT, stop);
    jidoka_record_clear(&record);
    jidoka_rig_init(&rig, now_ms(), (uint32_t)(options.rate_hz * 1000.0), (uint16_t)options.recipe);
    say("\"ready\", \"link\": \"%s\", \"panel\": \"%s\", \"unit\": %ld, \"scan_ms\": %ld",
        options.link != NULL ? options.link : options.device, options.panel, options.unit, options.scan_ms);
    unsigned long long due_ns = now_ns();
    uint32_t heard_ms = now_ms();
    uint16_t output = JIDOKA_WORD_WITHHOLD;
    while (is_stopped == 0 && !rig.machine.hangs) {
        uint16_t random = 0U;
        /* a scan that came late is not made up for: the next one keeps its distance */
        due_ns += (unsigned long long)options.scan_ms * NS_PER_MS;
        due_ns = due_ns > now_ns() ? due_ns : now_ns();
        listen_until(&rig, config.unit, due_ns, &heard_ms);
        if (now_ms() - heard_ms > SILENCE_MS) {
            jidoka_modbus_silence(&rig.modbus);
        }
        (void)getrandom(&random, sizeof random, GRND_NONBLOCK);
        rig.in.now_ms = now_ms();
        rig.in.actual = output;
        rig.in.random = random;
        jidoka_rig_scan(&rig, &record, &config);
        output = rig.output;
        answer(&rig, &record, config.unit);
    }
    terminal_close(&agent_line);
    terminal_close(&panel_line);
    return 0;
}
