"""Faults of a serial line that tests inject (INTERLOCK §2), by number: which tests show each.

In every case the PLC's own hold time is the backstop. `tests/bridge/guard/test_serial_faults_table.py` checks that all 19 are here and that the
named tests exist.
"""

from __future__ import annotations

LINK = "tests/bridge/link/"
GUARD = "tests/bridge/guard/"
ON_A_LINE = LINK + "test_serial_faults.py::"

TESTS: dict[int, tuple[str, ...]] = {
    1: (ON_A_LINE + "test_1_a_wrong_bit_anywhere_in_an_answer_costs_one_beat",),
    2: (ON_A_LINE + "test_2_an_answer_cut_off_anywhere_or_torn_by_a_pause_is_a_time_out",),
    3: (
        ON_A_LINE + "test_3_late_doubled_and_foreign_answers_are_refused_and_three_make_a_pause",
        LINK
        + "test_session.py::test_answers_that_lag_a_beat_behind_are_refused_until_a_pause_has_cleared_the_line",
    ),
    4: (ON_A_LINE + "test_4_an_echo_is_stripped_and_a_missing_or_altered_one_is_a_fault_of_the_line",),
    5: (ON_A_LINE + "test_5_noise_is_passed_over_and_babble_ends_with_the_time_out",),
    6: (ON_A_LINE + "test_6_another_stations_answer_is_waited_out",),
    7: (
        ON_A_LINE + "test_7_exceptions_count_as_lost_and_02_and_03_take_the_link_down_at_once",
        LINK + "test_exchange.py::test_a_plc_without_function_code_23_is_armed_by_16_and_03",
        LINK + "test_exchange.py::test_inside_an_armed_session_nothing_changes",
    ),
    8: (
        ON_A_LINE + "test_8_a_broadcast_is_never_sent_and_unit_0_is_refused",
        "tests/config/test_plc_settings.py::test_each_mistake_is_named_where_it_stands",
    ),
    9: (
        ON_A_LINE + "test_9_every_error_of_the_system_closes_the_port_and_ends_the_session",
        LINK
        + "test_serial_port.py::test_writing_to_a_peer_that_has_stopped_reading_is_an_error_and_never_blocks",
    ),
    10: (
        ON_A_LINE + "test_10_a_port_that_comes_back_is_a_new_session_and_a_new_arming",
        LINK + "test_serial_port.py::test_a_path_that_is_not_there_is_named_and_tried_again_with_back_off",
    ),
    11: (
        LINK + "test_serial_port.py::test_a_second_program_does_not_get_the_port",
        ON_A_LINE + "test_11_a_real_port_is_opened_exclusively",
    ),
    12: (
        ON_A_LINE + "test_12_a_far_end_that_stops_reading_or_closes_is_a_lost_port",
        LINK + "test_serial_port.py::test_a_port_whose_other_end_vanished_is_lost_and_can_be_opened_again",
    ),
    13: (ON_A_LINE + "test_13_a_plc_in_stop_answers_and_is_down_after_two_beats",),
    14: (ON_A_LINE + "test_14_a_torn_block_is_one_lost_beat",),
    15: (
        ON_A_LINE + "test_15_a_plc_that_restarted_is_unarmed_until_a_person_arms_it",
        LINK + "test_session.py::test_a_plc_that_restarted_is_armed_anew_by_a_person_only",
    ),
    16: (ON_A_LINE + "test_16_numbers_and_counters_wrap_without_a_lost_beat",),
    17: (
        LINK + "test_session.py::test_a_guard_that_wakes_up_too_late_withholds_first",
        ON_A_LINE + "test_17_after_a_pause_of_any_length_the_first_word_is_withhold_if_the_hold_time_is_over",
    ),
    18: (GUARD + "test_serial_faults_table.py::test_18_nothing_in_the_link_reads_a_clock",),
    19: (
        ON_A_LINE + "test_19_two_agents_on_one_line_get_nothing_and_the_second_is_told",
        LINK + "test_session.py::test_somebody_elses_session_is_seen_and_our_own_old_one_is_not",
    ),
}
