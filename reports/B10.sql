-- title: Calls
-- kind: table
-- order: 300
-- section: Calls
-- about: Voice and video (B10 to B12, B14): media flows of two hosts that belong together. The near host is the
--   internal one, and media says of which protocol a call is: all of them are here. Rates and bandwidth leave holds out.
--   Basis: format is read from every message (RTP), socket is a recognised client socket whose messages are like a voice
--   codec's, statistics the chi-square test of the payload and such messages. Set-up and tear-down: what the two hosts
--   said to each other in the 10 s before the media and the 5 s after them; not what went through a third node. A codec after ~ is an estimate. MOS is the E-model's (G.107), of the worse direction.
-- paper: Baset and Schulzrinne: 40 to 120 bytes, about 85 packets/s both ways together, 5 kB/s; no silence
--   suppression; on hold one packet in 3 s (1.4) or three a second (0.97).
-- empty: No call was seen.
-- cautions: dropped duplicates untimed clock_jumps disordered
-- hides: snapped one_sided_tcp
-- page: 11
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', first_ns / 1000000000, 'unixepoch') AS "start (UTC)",
       round((last_ns - first_ns) / 1e9, 1) AS "lasted (s)",
       CASE WHEN instr(near_ip, ':') THEN '[' || near_ip || ']' ELSE near_ip END || ':' || near_port AS near,
       CASE WHEN instr(far_ip, ':') THEN '[' || far_ip || ']' ELSE far_ip END || ':' || far_port AS far,
       protocol || ' ' || media AS media,
       coalesce(CASE codec_estimated_out WHEN 1 THEN '~' ELSE '' END || codec_out,
                CASE codec_estimated_in WHEN 1 THEN '~' ELSE '' END || codec_in) AS codec,
       round(min(coalesce(mos_out, mos_in), coalesce(mos_in, mos_out)), 1) AS MOS,
       (SELECT round(100.0 * sum(lost) / nullif(sum(expected), 0), 1) FROM streams s
        WHERE s.run = calls.run AND s.call = calls.call) AS "lost (%)",
       round(bandwidth_out * 8 / 1e3, 1) AS "sent (kbit/s)", round(bandwidth_in * 8 / 1e3, 1) AS "received (kbit/s)",
       transport || coalesce(', ' || route, '') AS path,
       round(rate_out, 1) AS "sent (packets/s)", round(rate_in, 1) AS "received (packets/s)",
       CASE near_began WHEN 1 THEN 'near' ELSE 'far' END AS began,
       min(coalesce(size_min_out, size_min_in), coalesce(size_min_in, size_min_out)) AS "smallest (bytes)",
       max(coalesce(size_max_out, size_max_in), coalesce(size_max_in, size_max_out)) AS "largest (bytes)",
       holds, round(hold_ns / 1e9, 1) AS "on hold (s)", silence_out AS "silence of near", silence_in AS "silence of far",
       conference, basis, flows, u.messages AS "set-up (messages)", u.bytes AS "set-up (bytes)", u.proto AS "set-up over",
       d.messages AS "tear-down (messages)", d.bytes AS "tear-down (bytes)", calls.call
FROM B10 AS calls
     LEFT JOIN (SELECT call, messages, bytes, proto FROM B10_signalling WHERE run = :run AND part = 'set-up') u USING (call)
     LEFT JOIN (SELECT call, messages, bytes FROM B10_signalling WHERE run = :run AND part = 'tear-down') d USING (call)
WHERE run = :run ORDER BY calls.call;

SELECT printf('%d call%s: %d with video, %d over TCP, %d relayed, %d with a hold, %d in a conference; %s in all.',
              count(*), CASE count(*) WHEN 1 THEN '' ELSE 's' END, sum(media LIKE '%video%'), sum(transport <> 'udp'), sum(coalesce(route, '') = 'relayed'),
              sum(holds > 0), sum(conference IS NOT NULL), CASE WHEN sum(last_ns - first_ns) < 120e9 THEN printf('%.0f s', sum(last_ns - first_ns) / 1e9)
              ELSE printf('%.0f minutes', sum(last_ns - first_ns) / 6e10) END)
FROM B10 WHERE run = :run;
