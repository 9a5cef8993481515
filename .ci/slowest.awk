# SPDX-License-Identifier: GPL-2.0-only
#
# Tells of an xUnit file how many tests ran, which failed, and which suites took longest.
# 'took' is how long all of it took, in seconds. Exits with 1 where a test failed or none ran.

function attribute(name,    rest) {
	if (!match($0, " " name "=\"[^\"]*\"")) return ""
	rest = substr($0, RSTART, RLENGTH)
	sub(/^[^"]*"/, "", rest)
	sub(/"$/, "", rest)
	return rest
}

/<testcase / {
	suite = attribute("classname")
	test = suite "." attribute("name")
	tests++
	seconds[suite] += attribute("time")
	count[suite]++
}

/<failure/ && !(test in failed) {
	failed[test]
	failures++
	print "failed: " test
}

END {
	for (shown = 0; shown < 8; shown++) {
		slowest = ""
		for (suite in seconds)
			if (slowest == "" || seconds[suite] > seconds[slowest]) slowest = suite
		if (slowest == "" || seconds[slowest] < 1) break
		printf "%6.0f s  %s, %d tests\n", seconds[slowest], slowest, count[slowest]
		delete seconds[slowest]
	}
	printf "Executed %d tests, with %d failures, in %d seconds\n", tests, failures, took
	exit failures > 0 || tests == 0
}
