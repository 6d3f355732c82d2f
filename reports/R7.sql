-- title: What signalling consists of
-- kind: table
-- section: Traffic
-- order: 560
-- about: Table I of Rossi, Mellia and Meo (R7): the classes of D10 in the signalling of internal clients over UDP, in
--   percent of the peers (a peer of two clients counts for each), of their flows, packets and bytes. A probe peer
--   exchanged one packet and at most one reply, ever; a heartbeat peer several of these, more than the inactivity
--   timeout apart; a dialog peer longer flows, and a mix peer both. Bytes are not in the paper's table.
-- cautions: dropped duplicates untimed clock_jumps
-- empty: No internal client was recognised. Which clients are internal is said with --local-net of 'footsteps read'.
SELECT level, round(probe, 1) AS "probe (%)", paper_probe AS "probe, paper", round(heartbeat, 1) AS "heartbeat (%)",
       paper_heartbeat AS "heartbeat, paper", round(dialog, 1) AS "dialog (%)", paper_dialog AS "dialog, paper",
       round(mix, 1) AS "mix (%)", paper_mix AS "mix, paper", total, paper_total AS "total, paper"
FROM R7 WHERE run = :run AND protocol = :protocol ORDER BY place;

SELECT printf('%.1f %% of the peers are probed once and never met again (paper: 51.2 %%), in %.1f %% of the flows'
              || ' (8.0 %%) and %.1f %% of the packets (1.0 %%); dialogs and mixes carry %.1f %% of the packets'
              || ' (95.9 %%).',
              max(CASE place WHEN 1 THEN probe END), max(CASE place WHEN 2 THEN probe END),
              max(CASE place WHEN 3 THEN probe END), max(CASE place WHEN 3 THEN dialog + mix END))
FROM R7 WHERE run = :run AND protocol = :protocol HAVING max(total) > 0;
