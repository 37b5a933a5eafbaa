package render_test

import (
	"cmp"
	"os"
	"strconv"
	"testing"

	"geppo/aggregate"
	"geppo/store/sample"
)

// TestJudgementsOfTheSample prints how many contracts of the sample get which judgement, and holds that
// the words tell contracts apart: a word that nearly all get says nothing. GEPPO_SAMPLE_CONTRACTS takes
// more of them; with -v it also shows what the first twenty are told.
func TestJudgementsOfTheSample(t *testing.T) {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("GEPPO_SAMPLE_CONTRACTS"), "60"))
	if err != nil {
		t.Fatal(err)
	}
	r := renderer(t)
	judged := map[aggregate.Judgement]int{}
	points := 0
	for i, m := range sampled(t, n, sample.Mix{None: 60, Few: 30, Many: 9, Heavy: 1}) {
		report := r.Word(compute(t, m, 1))
		judged[report.Judgement]++
		points += len(report.Points)
		if i < 20 {
			t.Logf("%s %s %+v %+v asks %d gaps %d", m.Contract.ID, report.Judgement, report.Funnel, report.Protection, len(report.Asks), len(report.Gaps))
			for _, p := range report.Points {
				t.Logf("    %s: %s", p.Kind, p.Text)
			}
		}
	}
	t.Logf("of %d contracts: %v, %.1f points each", n, judged, float64(points)/float64(n))
	for _, j := range []aggregate.Judgement{aggregate.ActionRequired, aggregate.Attention, aggregate.Good} {
		if judged[j] == 0 || judged[j] > n*9/10 {
			t.Errorf("%d of %d contracts are judged %s", judged[j], n, j)
		}
	}
}
