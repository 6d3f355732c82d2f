-- title: Media streams
-- kind: table
-- order: 310
-- section: Calls
-- about: Each direction of media, and each synchronisation source where a format has several (B11). Loss and jitter
--   are from sequence numbers and timestamps (RFC 3550). Belief is the naive Bayes classifier's: a voice from -5 on.
--   Verdict voip-like: nothing but that classifier says so, and it is no call.
-- empty: No stream of media was seen.
-- cautions: dropped duplicates untimed clock_jumps disordered
-- page: 11
SELECT CASE WHEN instr(from_ip, ':') THEN '[' || from_ip || ']' ELSE from_ip END || ':' || from_port AS "from",
       CASE WHEN instr(to_ip, ':') THEN '[' || to_ip || ']' ELSE to_ip END || ':' || to_port AS "to",
       verdict, coalesce(codec, CASE WHEN payload_type IS NOT NULL THEN 'type ' || payload_type END, media) AS codec,
       packets, lost, round(jitter_ms, 2) AS "jitter (ms)", round(mos, 1) AS MOS,
       round(size_mean, 1) AS "size (bytes)", round(gap_ms, 1) AS "gap (ms)",
       round(min(belief_size, belief_gap), 1) AS belief, estimate AS "looks like",
       CASE WHEN stream IS NOT NULL THEN printf('%08x', stream) END AS stream, clock_hz AS "clock (Hz)", duplicates,
       reordered, round(jitter_max_ms, 2) AS "jitter, most (ms)", round(size_sd, 1) AS "size, sd",
       round(gap_sd_ms, 1) AS "gap, sd", windows, csc_messages AS "chi-square messages", CASE WHEN csc_messages > 0 THEN coalesce((SELECT group_concat(n, ' ') FROM (WITH RECURSIVE bits(n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM bits WHERE n < 16) SELECT n FROM bits WHERE csc_above >> (n - 1) & 1)),
            'none') END AS "groups not random",
       round(first_ts, 6) AS "first (s)", flow, call
FROM B11 WHERE run = :run ORDER BY flow, n;
