#include "machine.h"

#define START_MS 2000U

struct word_number {
    char word[12];
    uint16_t number;
};

static const struct word_number switches[] = {
    {"key", JIDOKA_INPUT_OVERRIDE_KEY},     {"auto", JIDOKA_INPUT_KEY_AUTO},
    {"safety", JIDOKA_INPUT_SAFETY_CHAIN},  {"ready", JIDOKA_INPUT_MACHINE_READY},
    {"changeover", JIDOKA_INPUT_CHANGEOVER}, {"drill", JIDOKA_INPUT_DRILL},
};

static const struct word_number feedbacks[] = {
    {"ok", 0U},
    {"withhold", JIDOKA_WORD_WITHHOLD},
    {"machine", JIDOKA_WORD_MACHINE},
    {"ai", JIDOKA_WORD_MACHINE_AND_AI},
};

void jidoka_machine_init(struct jidoka_machine *machine, uint32_t rate_mhz, uint16_t recipe) {
    *machine = (struct jidoka_machine){0};
    machine->interval_us = 1000000000U / rate_mhz;
    machine->recipe = recipe;
    machine->inputs = JIDOKA_INPUT_KEY_AUTO | JIDOKA_INPUT_SAFETY_CHAIN | JIDOKA_INPUT_MACHINE_READY;
    machine->inputs2 = JIDOKA_INPUT2_FALLBACK_HEALTHY;
}

/* The rest of the line behind this word and its blank ("" at the line's end), NULL if it begins otherwise. */
static const char *after(const char *line, const char *word) {
    while ((*word != '\0') && (*line == *word)) {
        line++;
        word++;
    }
    if ((*word != '\0') || ((*line != ' ') && (*line != '\0'))) {
        return NULL;
    }
    return (*line == ' ') ? &line[1] : line;
}

static bool is_word(const char *line, const char *word) {
    const char *rest = after(line, word);
    return (rest != NULL) && (*rest == '\0');
}

static bool parse_number(const char *text, uint16_t *number) {
    uint32_t value = 0U;
    bool is_number = *text != '\0';
    for (; (*text != '\0') && is_number; text++) {
        value = (10U * value) + ((uint32_t)*text - (uint32_t)'0');
        is_number = (*text >= '0') && (*text <= '9') && (value <= 0xFFFFU);
    }
    if (is_number) {
        *number = (uint16_t)value;
    }
    return is_number;
}

static bool set_bit(uint8_t *bits, uint32_t bit, const char *value) {
    const bool is_on = is_word(value, "on");
    const bool is_known = is_on || is_word(value, "off");
    if (is_known) {
        *bits = (uint8_t)(is_on ? (*bits | bit) : (*bits & ~bit));
    }
    return is_known;
}

static bool set_feedback(struct jidoka_machine *machine, const char *value) {
    for (size_t i = 0U; i < (sizeof feedbacks / sizeof feedbacks[0]); i++) {
        if (is_word(value, feedbacks[i].word)) {
            machine->feedback = feedbacks[i].number;
            return true;
        }
    }
    return false;
}

bool jidoka_machine_command(struct jidoka_machine *machine, const char *line) {
    const char *value;
    if (is_word(line, "press") || is_word(line, "release")) {
        return set_bit(&machine->inputs, JIDOKA_INPUT_RESET_BUTTON, (line[0] == 'p') ? "on" : "off");
    }
    if (is_word(line, "start") || is_word(line, "stop")) {
        machine->is_started = line[3] == 'r';
        machine->is_stopped = !machine->is_started;
        return true;
    }
    if (is_word(line, "hang")) {
        machine->hangs = true;
        return true;
    }
    for (size_t i = 0U; i < (sizeof switches / sizeof switches[0]); i++) {
        value = after(line, switches[i].word);
        if (value != NULL) {
            return set_bit(&machine->inputs, switches[i].number, value);
        }
    }
    value = after(line, "fallback");
    if (value != NULL) {
        return set_bit(&machine->inputs2, JIDOKA_INPUT2_FALLBACK_HEALTHY, value);
    }
    value = after(line, "feedback");
    if (value != NULL) {
        return set_feedback(machine, value);
    }
    value = after(line, "recipe");
    return (value != NULL) && parse_number(value, &machine->recipe);
}

uint32_t jidoka_machine_scan(struct jidoka_machine *machine, uint32_t now_ms, uint32_t passed_ms, uint32_t output,
                             bool is_press_counted) {
    const uint32_t needs = JIDOKA_INPUT_SAFETY_CHAIN | JIDOKA_INPUT_MACHINE_READY;
    const bool is_overridden = (machine->inputs & JIDOKA_INPUT_OVERRIDE_KEY) != 0U;
    const bool is_permitted =
        (output == JIDOKA_WORD_MACHINE) || (output == JIDOKA_WORD_MACHINE_AND_AI) || is_overridden;
    uint32_t parts = 0U;
    if (is_press_counted) {
        machine->may_start = true;
        machine->start_at_ms = now_ms;
    }
    if ((now_ms - machine->start_at_ms) > START_MS) {
        machine->may_start = false;
    }
    const bool wants_start = machine->may_start || machine->is_started || is_overridden;
    if (!is_permitted || machine->is_stopped || ((machine->inputs & needs) != needs)) {
        machine->is_running = false;
        if (machine->is_stopped) {
            machine->may_start = false;
        }
    } else if (machine->is_running) {
        machine->since_part_us += passed_ms * 1000U;
        while (machine->since_part_us >= machine->interval_us) {
            machine->since_part_us -= machine->interval_us;
            parts++;
        }
    } else if (wants_start) {
        machine->is_running = true;
        machine->may_start = false;
        machine->since_part_us = 0U;
    } else {
        /* it stands */
    }
    machine->is_started = false;
    machine->is_stopped = false;
    return parts;
}
