# In: ms, probe_samples, non_probe_samples, probe_upto_percent, non_probe_upto_percent
# Less than a microsecond is 0 there, which a logarithmic axis does not have.
axis(ms) = ms > 0.001 ? ms : 0.001
stats data skip 1 using (axis($1)) name "T" nooutput
stats data skip 1 using 2 name "P" nooutput
stats data skip 1 using 3 name "N" nooutput
first = 10 ** floor(log10(T_min) + 1e-9)
last = 10 ** ceil(log10(T_max) + 0.01)
set logscale x
set xrange [(last > first * 10 ? first : first / 10) : last]
set yrange [0 : 105]
set ytics 20
set format x "%g"
set xlabel "round-trip time (ms)"
set ylabel "round trips at most as long (%)"
# A class without a sample has no curve, but it has its line in the key.
probe = P_sum > 0 ? "data skip 1 using (axis($1)):4 with steps lt 1 title 'probe'" : "NaN with lines lt 1 title 'probe: none'"
other = N_sum > 0 ? "data skip 1 using (axis($1)):5 with steps lt 2 title 'non-probe'" : "NaN with lines lt 2 title 'non-probe: none'"
plot @probe, @other
