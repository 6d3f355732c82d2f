-- title: Supernodes contacted
-- kind: table
-- order: 420
-- section: Supernodes
-- about: Remote ends of TCP connections whose role is supernode, and peers that took a client in over UDP (B8, table II of
--   Baset and Schulzrinne). Bootstrap: the first that a client contacted in the trace; whether it came from a list inside
--   the program cannot be seen. Names are those of DNS answers in the trace, never looked up.
-- paper: seven bootstrap supernodes, port 33033; by reverse lookup one is the vendor's own (sss1.skype.net).
-- page: 7
-- empty: No client contacted a supernode.
-- hides: missing_start heads_lost snapped
SELECT CASE WHEN instr(ip, ':') THEN '[' || ip || ']' ELSE ip END || ':' || port AS supernode, contacted_as AS "contacted as", coalesce(names, 'UNKNOWN') AS names,
       clients, connections AS "TCP tried", connected AS "TCP connected", accepted AS "accepted over UDP", coalesce(country, 'UNKNOWN') AS country,
       coalesce(city, 'UNKNOWN') AS city, asn AS AS_number, coalesce(organisation, 'UNKNOWN') AS organisation,
       first_for AS "first for clients", strftime('%Y-%m-%dT%H:%M:%SZ', first_ns / 1000000000, 'unixepoch') AS "first contact (UTC)"
FROM B8 WHERE run = :run AND protocol = :protocol
ORDER BY contacted_as <> 'bootstrap', connected DESC, connections DESC, clients DESC, ip, port;

SELECT printf('Supernodes contacted: %d, of these first by some client: %d, with a name in a DNS answer of the'
              || ' trace: %d. TCP connections to them: %d, of which went on behind the openings: %d.', count(*),
              sum(contacted_as = 'bootstrap'), sum(names IS NOT NULL), sum(connections), sum(connected))
FROM B8 WHERE run = :run AND protocol = :protocol;
