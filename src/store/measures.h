/* The measurements, in the order in which they write: `struct measurement measure_NAME` of
 * store/measure_NAME.c. */
MEASUREMENT(lengths)
MEASUREMENT(activity)
MEASUREMENT(round_trips)
MEASUREMENT(network_cost)
MEASUREMENT(contacts)
MEASUREMENT(series)
MEASUREMENT(places)
MEASUREMENT(supernodes)
MEASUREMENT(setups)
MEASUREMENT(episodes)
