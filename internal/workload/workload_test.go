package workload_test

import (
	"testing"

	"github.com/moat-lang/moat/internal/workload"
)

func TestAnswers(t *testing.T) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		rules := workload.Rules(n)
		floor := workload.NewFloor(rules)
		seen := map[workload.Reason]int{}
		for _, q := range workload.Requests(n, 512) {
			seen[q.Why]++
			if got := workload.Reference(rules, &q); got != q.Allowed() {
				t.Errorf("%d rules, %+v: the reference says %v", n, q, got)
			}
			if got := floor.Decide(&q); got != q.Allowed() {
				t.Errorf("%d rules, %+v: the floor says %v", n, q, got)
			}
		}
		if seen[workload.Granted] != 256 {
			t.Errorf("%d rules: %d of 512 requests are allowed; want half", n, seen[workload.Granted])
		}
		for why := workload.Granted; why <= workload.NoSuchRule; why++ {
			if seen[why] < 20 {
				t.Errorf("%d rules: only %d requests have the reason %d", n, seen[why], why)
			}
		}
	}
}
