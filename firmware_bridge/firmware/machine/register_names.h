/* Names of the register map's codes, format 1. Made by tools/registers.py from firmware_bridge/registers.yaml; don't edit. */

#ifndef JIDOKA_REGISTER_NAMES_H
#define JIDOKA_REGISTER_NAMES_H

#include "registers.h"

static const char *const jidoka_plc_state_names[] = {
    [JIDOKA_PLC_STATE_OFF] = "OFF",
    [JIDOKA_PLC_STATE_IDLE] = "IDLE",
    [JIDOKA_PLC_STATE_ARMING] = "ARMING",
    [JIDOKA_PLC_STATE_ARMED] = "ARMED",
    [JIDOKA_PLC_STATE_TRIPPED] = "TRIPPED",
};

static const char *const jidoka_fault_names[] = {
    [JIDOKA_FAULT_NONE] = "NONE",
    [JIDOKA_FAULT_WATCHDOG] = "WATCHDOG",
    [JIDOKA_FAULT_FORMAT] = "FORMAT",
    [JIDOKA_FAULT_CRC_RUN] = "CRC_RUN",
    [JIDOKA_FAULT_SEQUENCE_GAP] = "SEQUENCE_GAP",
    [JIDOKA_FAULT_WRONG_CONNECTION] = "WRONG_CONNECTION",
    [JIDOKA_FAULT_RELAY_FEEDBACK] = "RELAY_FEEDBACK",
    [JIDOKA_FAULT_MAP_DIGEST] = "MAP_DIGEST",
    [JIDOKA_FAULT_RAISE_WITHOUT_PRESS] = "RAISE_WITHOUT_PRESS",
};

static inline const char *jidoka_word_name(unsigned word) {
    switch (word) {
    case JIDOKA_WORD_WITHHOLD: return "WITHHOLD";
    case JIDOKA_WORD_MACHINE: return "MACHINE";
    case JIDOKA_WORD_MACHINE_AND_AI: return "MACHINE_AND_AI";
    case JIDOKA_WORD_ABSTAIN: return "ABSTAIN";
    default: return "UNKNOWN";
    }
}

#endif
