#include "rig.h"

/* the panel shows the output at least so often, so that who opens it later knows it soon */
#define SHOW_MS 500U
/* nothing is shown yet: no state, fault or input has this number */
#define UNSHOWN 0xFFU

void jidoka_rig_init(struct jidoka_rig *rig, uint32_t now_ms, uint32_t rate_mhz, uint16_t recipe) {
    jidoka_plc_init(&rig->plc);
    jidoka_modbus_init(&rig->modbus);
    jidoka_machine_init(&rig->machine, rate_mhz, recipe);
    rig->in = (struct jidoka_plc_inputs){0};
    rig->last_ms = now_ms;
    rig->shown_ms = now_ms;
    rig->parts = 0U;
    rig->output = JIDOKA_WORD_WITHHOLD;
    rig->state = UNSHOWN;
    rig->fault = UNSHOWN;
    rig->inputs = UNSHOWN;
    rig->was_running = true;
    rig->line_bytes = 0U;
}

void jidoka_rig_panel(struct jidoka_rig *rig, char character) {
    if (character == '\n') {
        rig->line[rig->line_bytes] = '\0';
        if (!jidoka_machine_command(&rig->machine, rig->line)) {
            jidoka_tell('x', rig->line_bytes, 0U, 0U);
        }
        rig->line_bytes = 0U;
    } else if ((character != '\r') && (rig->line_bytes < (JIDOKA_LINE_BYTES - 1U))) {
        rig->line[rig->line_bytes] = character;
        rig->line_bytes++;
    } else {
        /* too long to be a panel line: it is refused when it ends */
    }
}

static void tell_change(uint8_t *shown, char what, uint32_t now) {
    if (*shown != now) {
        *shown = (uint8_t)now;
        jidoka_tell(what, now, 0U, 0U);
    }
}

static void report(struct jidoka_rig *rig, const struct jidoka_plc_outputs *out, uint32_t part_count,
                   uint32_t passed_ms) {
    if ((out->why == JIDOKA_WHY_MEMORY)) {
        jidoka_tell('m', 0U, 0U, 0U);
    }
    if (out->output != rig->output) {
        jidoka_tell('o', out->output, rig->output | (rig->in.now_ms << 16U), out->why | (passed_ms << 8U));
        rig->output = out->output;
    }
    if (out->is_pressed) {
        jidoka_tell('p', out->press_ms, out->is_accepted ? 1U : 0U, 0U);
    }
    if (out->is_record_refused) {
        jidoka_tell('d', 0U, 0U, 0U);
    }
    tell_change(&rig->fault, 'f', jidoka_plc_fault(&rig->plc));
    tell_change(&rig->state, 's', jidoka_plc_state(&rig->plc));
    tell_change(&rig->inputs, 'k', rig->machine.inputs & (JIDOKA_INPUT_KEY_AUTO | JIDOKA_INPUT_OVERRIDE_KEY));
    if (rig->was_running != rig->machine.is_running) {
        rig->was_running = rig->machine.is_running;
        jidoka_tell('c', rig->machine.is_running ? 1U : 0U, part_count, 0U);
    }
}

void jidoka_rig_scan(struct jidoka_rig *rig, struct jidoka_record *record, const struct jidoka_plc_config *config) {
    struct jidoka_plc_inputs *const in = &rig->in;
    struct jidoka_plc_outputs *const out = &rig->out;
    const uint32_t passed_ms = in->now_ms - rig->last_ms;
    in->parts = rig->parts;
    in->actual = (rig->machine.feedback != 0U) ? rig->machine.feedback : in->actual;
    in->recipe = rig->machine.recipe;
    in->inputs = (uint8_t)(rig->machine.inputs | (rig->machine.is_running ? JIDOKA_INPUT_RUNNING : 0U));
    in->inputs2 = rig->machine.inputs2;
    jidoka_modbus_inputs(&rig->modbus, in);
    jidoka_plc_scan(&rig->plc, record, config, in, out);
    rig->parts = jidoka_machine_scan(&rig->machine, in->now_ms, passed_ms, out->output, out->is_accepted);
    rig->last_ms = in->now_ms;
    jidoka_modbus_answer(&rig->modbus, &rig->plc, record, config, in);
    if ((out->output != rig->output) || ((in->now_ms - rig->shown_ms) >= SHOW_MS)) {
        rig->shown_ms = in->now_ms;
        jidoka_tell('u', out->output, 0U, 0U);
    }
    for (uint32_t i = 1U; i <= rig->parts; i++) {
        jidoka_tell('n', record->part_count + i, 0U, 0U);
    }
    report(rig, out, record->part_count + rig->parts, passed_ms);
}
