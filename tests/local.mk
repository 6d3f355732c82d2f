# Unit tests: one cmocka program per module; tests/unit/test_MODULE is made of tests/unit/test_MODULE.c.
FS_UNITS = \
	tests/unit/test_activity \
	tests/unit/test_alerts \
	tests/unit/test_anonymize \
	tests/unit/test_base \
	tests/unit/test_behave \
	tests/unit/test_bittorrent \
	tests/unit/test_bittorrent_utp \
	tests/unit/test_calls \
	tests/unit/test_capture \
	tests/unit/test_capture_compressed \
	tests/unit/test_capture_files \
	tests/unit/test_capture_reading \
	tests/unit/test_chart \
	tests/unit/test_clock \
	tests/unit/test_compare \
	tests/unit/test_contacts \
	tests/unit/test_control \
	tests/unit/test_cryptopan \
	tests/unit/test_decode \
	tests/unit/test_decode_packets \
	tests/unit/test_dissectors \
	tests/unit/test_distributions \
	tests/unit/test_emodel \
	tests/unit/test_engine \
	tests/unit/test_episodes \
	tests/unit/test_facts \
	tests/unit/test_facts_counts \
	tests/unit/test_flow \
	tests/unit/test_flow_tcp \
	tests/unit/test_flow_tick \
	tests/unit/test_format_iptables \
	tests/unit/test_format_nft \
	tests/unit/test_http \
	tests/unit/test_http_hard \
	tests/unit/test_interface \
	tests/unit/test_interval \
	tests/unit/test_ip \
	tests/unit/test_keepalive \
	tests/unit/test_label \
	tests/unit/test_live_keep \
	tests/unit/test_live_output \
	tests/unit/test_live_rotate \
	tests/unit/test_live_state \
	tests/unit/test_live_store \
	tests/unit/test_media \
	tests/unit/test_media_talk \
	tests/unit/test_media_verdict \
	tests/unit/test_meter \
	tests/unit/test_naive_bayes \
	tests/unit/test_names \
	tests/unit/test_ndpi \
	tests/unit/test_network_cost \
	tests/unit/test_network_cost_chance \
	tests/unit/test_null_test \
	tests/unit/test_null_traffic \
	tests/unit/test_options \
	tests/unit/test_options_text \
	tests/unit/test_overlays \
	tests/unit/test_patterns \
	tests/unit/test_peer_2015 \
	tests/unit/test_peer_calls \
	tests/unit/test_peer_client \
	tests/unit/test_peer_frame \
	tests/unit/test_peer_guard \
	tests/unit/test_peer_live \
	tests/unit/test_peer_message \
	tests/unit/test_peer_mmdb \
	tests/unit/test_peer_net \
	tests/unit/test_peer_net_tcp \
	tests/unit/test_peer_online \
	tests/unit/test_peer_population \
	tests/unit/test_peer_queue \
	tests/unit/test_peer_scenario \
	tests/unit/test_peer_search \
	tests/unit/test_peer_truth \
	tests/unit/test_peer_wire \
	tests/unit/test_pipeline \
	tests/unit/test_porter \
	tests/unit/test_record \
	tests/unit/test_report \
	tests/unit/test_round_trips \
	tests/unit/test_rows \
	tests/unit/test_rtp \
	tests/unit/test_rtp_ice \
	tests/unit/test_sandbox \
	tests/unit/test_sandbox_work \
	tests/unit/test_searches \
	tests/unit/test_series \
	tests/unit/test_settings \
	tests/unit/test_show \
	tests/unit/test_skype_login \
	tests/unit/test_skype_relay \
	tests/unit/test_skype_tcp \
	tests/unit/test_sockets \
	tests/unit/test_statistics \
	tests/unit/test_store \
	tests/unit/test_store_files \
	tests/unit/test_store_json \
	tests/unit/test_strategies \
	tests/unit/test_train \
	tests/unit/test_two_sample \
	tests/unit/test_utf8 \
	tests/unit/test_views \
	tests/unit/test_voice_models \
	tests/unit/test_worker
check_PROGRAMS = tests/live_frames
if HAVE_CMOCKA
check_PROGRAMS += $(FS_UNITS)
endif
FS_UNIT_SHARED = \
	tests/unit/bittorrent_play.h \
	tests/unit/calls_play.h \
	tests/unit/capture_build.h \
	tests/unit/chance.h \
	tests/unit/close.h \
	tests/unit/decode_build.h \
	tests/unit/flow_build.h \
	tests/unit/dissector_recorder.h \
	tests/unit/episode_play.h \
	tests/unit/http_house.h \
	tests/unit/live_build.h \
	tests/unit/live_play.h \
	tests/unit/network_cost_play.h \
	tests/unit/peer_client_play.h \
	tests/unit/peer_clock.h \
	tests/unit/peer_play.h \
	tests/unit/peer_world.h \
	tests/unit/rtp_play.h \
	tests/unit/sandbox_trial.h \
	tests/unit/store_build.h \
	tests/unit/views_build.h
# What a live source gives, for tests/capture_live.py.
tests_live_frames_SOURCES = tests/live_frames.c
# Runs the command itself, on a registry of its own that breaks its promises.
tests_unit_test_null_test_SOURCES = tests/unit/test_null_test.c src/cmd.c src/cmd_self_test.c
# Compares databases as `footsteps verify` does.
tests_unit_test_engine_SOURCES = tests/unit/test_engine.c src/cmd_verify_tables.c
