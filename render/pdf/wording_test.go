package pdf

import (
	"strings"
	"testing"
	"testing/fstest"

	"geppo/templates"
)

func TestWordingNamesTheFault(t *testing.T) {
	good, err := templates.FS.ReadFile(wordingFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"contents = ", "content = ", "content"},
		{`contents = "目次"`, `contents = ""`, "contents is missing or empty"},
		{"\nissued = ", "\n# issued = ", "issued is missing or empty"},
		{"{names} 様", "{name} 様", "unknown gap {name}"},
		{"\nedr = ", "\nxdr = \"x\"\nedr = ", "unknown key about.xdr"},
		{"\noffline = ", "\n# offline = ", "about.offline is missing or empty"},
	} {
		text := strings.Replace(string(good), c.old, c.new, 1)
		if text == string(good) {
			t.Fatalf("pdf.toml has no %q", c.old)
		}
		_, err := loadWording(fstest.MapFS{wordingFile: {Data: []byte(text)}})
		if err == nil || !strings.HasPrefix(err.Error(), wordingFile+": ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s for %s: got %v, want one line with %q", c.new, c.old, err, c.want)
		}
	}
	if _, err := makerOf(fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), wordingFile) {
		t.Errorf("without templates: %v", err)
	}
}
