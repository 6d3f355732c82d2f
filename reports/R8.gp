# In: payload_bytes, probe_messages, non_probe_messages, probe_upto_percent, non_probe_upto_percent
# Before the ranges are set: stats leaves out what is outside them.
stats data skip 1 using 1 nooutput
stats data skip 1 using 2 name "P" nooutput
stats data skip 1 using 3 name "N" nooutput
set logscale x
set xrange [(STATS_min < 1 ? 1 : STATS_min < 10 ? STATS_min : 9.5) : (STATS_max < 100 ? 120 : STATS_max * 1.2)]
set xtics (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000)
set yrange [0 : 105]
set ytics 20
set xlabel "UDP payload (bytes)"
set ylabel "messages at most as large (%)"
# A class without a message has no curve, but it has its line in the key.
probe = P_sum > 0 ? "data skip 1 using 1:4 with steps lt 1 title 'probe'" : "NaN with lines lt 1 title 'probe: none'"
other = N_sum > 0 ? "data skip 1 using 1:5 with steps lt 2 title 'non-probe'" : "NaN with lines lt 2 title 'non-probe: none'"
plot @probe, @other
