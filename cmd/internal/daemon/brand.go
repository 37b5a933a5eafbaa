package daemon

import (
	"fmt"
	"net/mail"

	"geppo/aggregate"
	"geppo/mailer"
	"geppo/render"
)

// Brand is under whose name a contract's messages go out: who words and draws its reports, and what stands in
// the header.
type Brand struct {
	Renderer *render.Renderer
	From     mail.Address
	ReplyTo  mail.Address
	DKIM     *mailer.DKIM  // nil: not signed
	SMIME    *mailer.SMIME // nil: not signed
}

// Brands are by the name that contracts give, "" being the default. A contract whose brand is not among them is never
// sent under another: its readers must not learn whose service it is.
type Brands map[string]Brand

// Of is a contract's brand. Its error is a *HoldError.
func (b Brands) Of(name string) (Brand, error) {
	brand, ok := b[name]
	if !ok {
		return Brand{}, &HoldError{NoBrand(name)}
	}
	return brand, nil
}

// NoBrand says that a contract belongs to a brand that there is none of.
func NoBrand(name string) string {
	return fmt.Sprintf("its brand %q is not configured; add [brand.%s], or mend the contract's row", name, name)
}

// Domains are those of the senders of brands, by name.
type Domains map[string]string

// As is a report as a brand words it, whatever its contract's own is.
func (c *Composer) As(report aggregate.Report, brand string) (aggregate.Report, error) {
	b, err := c.Brands.Of(brand)
	if err != nil {
		return aggregate.Report{}, err
	}
	report.Contract.Brand = brand
	return b.Renderer.Word(report), nil
}

// Parts draws a worded report as its brand does.
func (c *Composer) Parts(report aggregate.Report) (render.Parts, error) {
	b, err := c.Brands.Of(report.Contract.Brand)
	if err != nil {
		return render.Parts{}, err
	}
	return b.Renderer.Parts(report)
}
