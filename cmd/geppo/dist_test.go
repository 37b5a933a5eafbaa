package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/store/sqlstore"
)

// tool finds a program that is not ours, or skips the test and says where to get it.
func tool(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is missing; install Debian's %s", name, pkg)
	}
	return path
}

// succeeds runs a command in dir and gives what it wrote.
func succeeds(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAlertsFireWhenTheyMust(t *testing.T) {
	promtool := tool(t, "promtool", "prometheus")
	dir := t.TempDir()
	for _, name := range []string{"dist/alerts.yml", "testdata/alerts_test.yml", "testdata/alerts_days_test.yml"} {
		if err := writeFile(dir, filepath.Base(name), []byte(readFile(t, name))); err != nil {
			t.Fatal(err)
		}
	}
	succeeds(t, dir, promtool, "check", "rules", "alerts.yml")
	succeeds(t, dir, promtool, "test", "rules", "alerts_test.yml", "alerts_days_test.yml")
}

// exported are the names of the daemon's own metrics.
func exported() map[string]bool {
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		daemon.NewMetrics(&daemon.Daemon{}, "v", "c").Registry.Describe(descs)
	}()
	names := map[string]bool{}
	fqName := regexp.MustCompile(`fqName: "([^"]+)"`)
	for desc := range descs {
		names[fqName.FindStringSubmatch(desc.String())[1]] = true
	}
	return names
}

func TestMetricsAreAsPrometheusWantsThem(t *testing.T) {
	promtool := tool(t, "promtool", "prometheus")
	ledger, err := sqlstore.OpenLedger(t.Context(), filepath.Join(t.TempDir(), "geppo.db"), sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	metrics := daemon.NewMetrics(&daemon.Daemon{Ledger: ledger, Now: time.Now}, "v", "c")
	metrics.Watch().Stage("render", time.Second)
	metrics.Watch().Attempt(store.Attempt{Stage: "dot", Outcome: store.OutcomeSent})
	metrics.FollowUps(store.Period{Year: 2026, Month: time.October}, map[string]int64{"uncleanable": 1})
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(metrics.Registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if !strings.Contains(answer.Body.String(), `geppo_attempts_total{outcome="sent",stage="dot"} 1`) {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = answer.Body
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// dashboardQueries are the PromQL expressions of the dashboard.
func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, "dist/dashboard.json")), &board); err != nil {
		t.Fatal(err)
	}
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, target.Expr)
		}
	}
	if len(queries) < 10 {
		t.Fatalf("only %d queries found", len(queries))
	}
	return queries
}

func TestAlertsAndDashboardAskForMetricsThatExist(t *testing.T) {
	names := exported()
	if !names["geppo_deliveries"] || !names["geppo_stage_seconds"] {
		t.Fatalf("metrics %v", names)
	}
	asked := map[string]bool{}
	metric := regexp.MustCompile(`geppo_[a-z_]+`)
	text := readFile(t, "dist/alerts.yml") + strings.Join(dashboardQueries(t), "\n")
	for _, name := range metric.FindAllString(text, -1) {
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			if base := strings.TrimSuffix(name, part); names[base] {
				name = base
			}
		}
		asked[name] = true
		if !names[name] {
			t.Errorf("%s is asked for, but geppo does not export it", name)
		}
	}
	for name := range names {
		if strings.HasPrefix(name, "geppo_") && !asked[name] {
			t.Errorf("%s is exported, but neither an alert nor the dashboard asks for it", name)
		}
	}
}

func TestDashboardQueriesAreValid(t *testing.T) {
	promtool := tool(t, "promtool", "prometheus")
	variables := strings.NewReplacer("$__rate_interval", "5m", "$instance", "a")
	rules := "groups: [{name: g, rules: [\n"
	for _, query := range dashboardQueries(t) {
		quoted, err := json.Marshal(variables.Replace(query))
		if err != nil {
			t.Fatal(err)
		}
		rules += "{record: a:b, expr: " + string(quoted) + "},\n"
	}
	path := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(path, []byte(rules+"]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// Rules that are called the same are no fault here.
	succeeds(t, "", promtool, "check", "rules", "--lint=none", path)
}

func TestUnitIsSoundAndHardened(t *testing.T) {
	analyze := tool(t, "systemd-analyze", "systemd")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "geppo.service")
	text := readFile(t, "dist/geppo.service")
	if !strings.Contains(text, "ExecStart=/usr/bin/geppo serve\n") {
		t.Error("the unit does not start geppo serve")
	}
	text = strings.ReplaceAll(text, "/usr/bin/geppo serve", self+" serve") // not installed here
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := succeeds(t, "", analyze, "verify", "--man=no", unit); strings.TrimSpace(out) != "" {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	// The threshold is ten times the exposure.
	succeeds(t, "", analyze, "security", "--offline=true", "--no-pager", "--threshold=15", unit)
}

func TestSysusersMakesTheUnitsUser(t *testing.T) {
	sysusers := tool(t, "systemd-sysusers", "systemd")
	path, err := filepath.Abs("dist/geppo.sysusers")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o700); err != nil {
		t.Fatal(err)
	}
	succeeds(t, "", sysusers, "--root="+root, path)
	if passwd := readFile(t, filepath.Join(root, "etc", "passwd")); !regexp.MustCompile(`(?m)^geppo:.*:/var/lib/geppo:`).MatchString(passwd) {
		t.Errorf("no user geppo: %s", passwd)
	}
}
