package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/render"
	"geppo/render/edition"
	"geppo/templates"
)

// newBrands builds all that reports go out under; "" is the default.
func newBrands(c config.Config, dkim *mailer.DKIM, smime *mailer.SMIME) (daemon.Brands, error) {
	brands := daemon.Brands{}
	for _, name := range brandNames(c) {
		files, err := brandFiles(c, name)
		if err != nil {
			return nil, err
		}
		opts, err := renderOptions(c, name)
		if err != nil {
			return nil, err
		}
		renderer, err := render.New(files, opts)
		if err != nil && name != "" {
			return nil, config.Faulty("brand."+name, "%v", err)
		}
		if err != nil {
			return nil, err
		}
		brand := daemon.Brand{Renderer: renderer, DKIM: dkim, SMIME: smime}
		brand.From, brand.ReplyTo = c.Sender(name)
		// A certificate is one address's, and a signature names its domain.
		if brand.From.Address != c.Mail.FromAddress().Address {
			brand.SMIME = nil
		}
		if !c.Signs(name) {
			brand.DKIM = nil
		}
		brands[name] = brand
	}
	return brands, nil
}

// brandNames are those of the configuration, the default first.
func brandNames(c config.Config) []string {
	return append([]string{""}, slices.Sorted(maps.Keys(c.Brand))...)
}

// templatesDirs are the operator's directories of a brand by their keys, the nearest first. A directory that is not there
// is a fault: of a file that is not there ours is taken.
func templatesDirs(c config.Config, brand string) (keys, dirs []string, err error) {
	for _, d := range []struct{ key, dir string }{
		{"brand." + brand + ".templates_dir", c.Brand[brand].TemplatesDir}, {"report.templates_dir", c.Report.TemplatesDir},
	} {
		if d.dir == "" {
			continue
		}
		if info, err := os.Stat(d.dir); err != nil || !info.IsDir() {
			return nil, nil, config.Faulty(d.key, "%s is no directory that can be read; name one, or leave it empty", d.dir)
		}
		keys, dirs = append(keys, d.key), append(dirs, d.dir)
	}
	return keys, dirs, nil
}

// brandFiles are the templates of a brand: its own where there is such a file, else the operator's, else ours.
func brandFiles(c config.Config, brand string) (fs.FS, error) {
	_, dirs, err := templatesDirs(c, brand)
	if err != nil {
		return nil, err
	}
	var files fs.FS = templates.FS
	for _, dir := range slices.Backward(dirs) {
		files = overlay{os.DirFS(dir), files}
	}
	return files, nil
}

// defaultPrefix begins the file names of brands that give no prefix of their own.
const defaultPrefix = "report"

// renderOptions are what a brand's reports say of the service. What a brand leaves out is as without one; the desk is
// taken as a whole, since another's telephone would be answered in another's name.
func renderOptions(c config.Config, brand string) (render.Options, error) {
	b := c.Brand[brand]
	opts := render.Options{
		Language: b.Language, Antivirus: b.Antivirus, EDR: b.EDR, SecurityPackage: b.SecurityPackage, Company: b.Company, Colours: b.Colours,
		SupportDesk: b.SupportDesk, SupportPhone: b.SupportPhone, SupportHours: b.SupportHours, FilePrefix: b.FilePrefix, ThreatURL: c.Report.ThreatURL,
	}
	if b.SupportDesk == "" && b.SupportPhone == "" && b.SupportHours == "" {
		opts.SupportDesk, opts.SupportPhone, opts.SupportHours = c.Report.SupportDesk, c.Report.SupportPhone, c.Report.SupportHours
	}
	if opts.SupportDesk == config.Default().Report.SupportDesk {
		opts.SupportDesk = "" // the wording has it in each language
	}
	if brand != "" {
		opts.FilePrefix = cmp.Or(b.FilePrefix, defaultPrefix)
	}
	_, replyTo := c.Sender(brand)
	opts.Replies = replyTo.Address != ""
	var err error
	if opts.Logo, err = logo(b.Logo); err != nil {
		return opts, config.Faulty("brand."+brand+".logo", "%v", err)
	}
	return opts, nil
}

func logo(path string) (*edition.Logo, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // no logo is what most brands have
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w; name a PNG that the user that runs geppo may read", err)
	}
	if !info.Mode().IsRegular() || info.Size() > 1<<20 {
		return nil, fmt.Errorf("%s is no file of at most 1 MB; name a small PNG", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w; name a PNG that the user that runs geppo may read", err)
	}
	picture, err := render.Logo(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return picture, nil
}

// domains are those of the brands' senders.
func domains(c config.Config) daemon.Domains {
	d := daemon.Domains{}
	for name := range c.Brand {
		d[name] = c.SenderDomain(name)
	}
	return d
}

// brands tries out what each brand's readers get.
func (k *checker) brands(c config.Config) {
	for _, name := range brandNames(c) {
		switch {
		case !k.brand(c, name):
		case name == "":
			k.ok("templates", "every template can be used")
		default:
			k.ok("brand", "the reports of %s can be made", name)
		}
	}
}

// brand is brands' look at one.
func (k *checker) brand(c config.Config, name string) bool {
	area, advice := "templates", "mend the file in report.templates_dir, or remove it"
	if name != "" {
		area, advice = "brand", fmt.Sprintf("mend it in [brand.%s], or the file in its templates_dir", name)
	}
	keys, dirs, err := templatesDirs(c, name)
	if err != nil {
		k.misconfigured(area, err)
		return false
	}
	for i, dir := range dirs {
		if name == "" || i == 0 && c.Brand[name].TemplatesDir != "" {
			k.strayTemplates(keys[i], dir)
		}
	}
	opts, err := renderOptions(c, name)
	if err != nil {
		k.misconfigured(area, err)
		return false
	}
	files, err := brandFiles(c, name)
	if err == nil {
		err = render.Check(files, opts)
	}
	if err != nil {
		for fault := range strings.Lines(err.Error()) {
			k.fault(area, exitUsage, "%s; %s", strings.TrimSpace(fault), advice)
		}
		return false
	}
	k.unsigned(c, name)
	return true
}

// unsigned finds what a brand's readers would wonder about.
func (k *checker) unsigned(c config.Config, name string) {
	switch {
	case name == "":
	case c.Brand[name].From == "":
		k.warn("brand", "brand.%s.from is empty: its mails come from %s, whose name its readers see", name, c.Mail.FromAddress().Address)
	case c.Mail.DKIMDomain != "" && !c.Signs(name):
		k.warn("brand", "mails from %s are not signed: mail.dkim_domain is %s; let the relay sign them", c.Brand[name].From, c.Mail.DKIMDomain)
	}
}
