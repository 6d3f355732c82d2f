-- title: Client sockets
-- kind: table
-- order: 100
-- section: Clients
-- about: Sockets with a verdict (D3), most peers first. Bits are log2 of a likelihood ratio; 'footsteps
--   show DATABASE why SOCKET' prints the evidence. Lifetime is from a client's first to its last packet
--   (D13).
-- page: 9
-- empty: No client socket was recognised or suspected.
SELECT CASE WHEN instr(ip, ':') THEN '[' || ip || ']' ELSE ip END || ':' || port AS client, verdict,
       round(bits, 1) AS bits, peers, flows, packets_out AS "packets sent", packets_in AS "packets received",
       public_ip AS "public address", version,
       CASE behind_nat WHEN 1 THEN 'yes' WHEN 0 THEN 'no' END AS "behind NAT",
       CASE internal WHEN 0 THEN 'no' ELSE 'yes' END AS internal,
       payload_out AS "bytes sent", payload_in AS "bytes received",
       strftime('%Y-%m-%dT%H:%M:%SZ', first_ns / 1000000000, 'unixepoch') AS "first packet",
       round((last_ns - first_ns) / 1e9, 1) AS "lifetime (s)"
FROM clients WHERE run = :run AND (:protocol IS NULL OR protocol = :protocol) ORDER BY peers DESC, client;

SELECT printf('Recognised: %d, suspected: %d. Told their public address by their peers: %d.', sum(verdict = protocol),
              sum(verdict <> protocol), sum(public_ip IS NOT NULL))
FROM clients WHERE run = :run AND (:protocol IS NULL OR protocol = :protocol);
