package console

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/time/rate"
)

// Role says what somebody may do. Each may do what the ones before it may.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // read
	Clerk    Role = "desk"     // and test-send, resend one delivery, work through the follow-ups
	Operator Role = "operator" // everything
)

var roles = []Role{Viewer, Clerk, Operator}

// may tells whether the role reaches as far as another.
func (r Role) may(needed Role) bool {
	return slices.Index(roles, r) >= slices.Index(roles, needed) && slices.Contains(roles, r)
}

// User is somebody who may use the console.
type User struct {
	Name     string
	Role     Role
	Password string // as HashPassword gives it; "": only a proxy or a provider can vouch for the name

	vouched bool // by a provider, whose claims are not kept
}

// Token lets in whoever knows it. Only its sum is kept.
type Token struct {
	Sum  [sha256.Size]byte
	User User
}

// shortestToken is long enough that guessing needs no limit: 32 letters of base64 are 192 bits.
const shortestToken = 32

// ReadTokens reads a file of tokens, one a line with perhaps a role and a name. It repeats no token in an error.
func ReadTokens(text string) (tokens []Token, err error) {
	for n, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		user := User{Name: "token", Role: Operator}
		if len(fields) > 1 {
			user.Role = Role(fields[1])
		}
		if len(fields) > 2 {
			user.Name = strings.Join(fields[2:], " ")
		}
		switch {
		case len(fields[0]) < shortestToken:
			return nil, fmt.Errorf("line %d: the token is shorter than %d characters; make one by: openssl rand -base64 36", n+1, shortestToken)
		case !slices.Contains(roles, user.Role):
			return nil, fmt.Errorf("line %d: the role is not viewer, desk or operator", n+1)
		}
		tokens = append(tokens, Token{sha256.Sum256([]byte(fields[0])), user})
	}
	if len(tokens) == 0 {
		return nil, errors.New("there is no token in it; write one by: openssl rand -base64 36")
	}
	return tokens, nil
}

// The cost of a hash: OWASP's least for argon2id. The numbers of a stored one are read from it, within these bounds.
const (
	hashTime, hashMemory, hashThreads = 2, 19456, 1
	hashMostTime, hashMostMemory      = 16, 256 << 10
	hashLength, saltLength            = 32, 16
)

// HashPassword makes what is stored of a password, in the usual form of argon2id.
func HashPassword(password string) string {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails
	sum := argon2.IDKey([]byte(password), salt, hashTime, hashMemory, hashThreads, hashLength)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashTime, hashThreads, encode(salt), encode(sum))
}

// CheckHash refuses what VerifyPassword could not use.
func CheckHash(hash string) error {
	_, _, _, err := parseHash(hash)
	return err
}

type hashCost struct {
	time, memory uint32
	threads      uint8
}

func parseHash(hash string) (c hashCost, salt, sum []byte, err error) {
	fault := errors.New("is no hash of argon2id; set what geppo user add prints")
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, fault
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.time, &c.threads); n != 3 || err != nil {
		return c, nil, nil, fault
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	sum, sumErr := base64.RawStdEncoding.DecodeString(parts[5])
	bad := c.time < 1 || c.time > hashMostTime || c.memory > hashMostMemory || c.threads < 1 || len(salt) < 8 || len(sum) < 16
	if saltErr != nil || sumErr != nil || bad {
		return c, nil, nil, fault
	}
	return c, salt, sum, nil
}

func verifyPassword(hash, password string) bool {
	c, salt, sum, err := parseHash(hash)
	if err != nil {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, c.time, c.memory, c.threads, uint32(len(sum)))
	return subtle.ConstantTimeCompare(got, sum) == 1
}

// Access decides who somebody is.
type Access struct {
	Tokens    []Token
	Users     []User
	ProxyUser string // the header in which a proxy on this machine names a user; "": none is believed
	OIDC      *OIDC  // nil: no provider is asked

	hashing sync.Mutex // one hash at a time takes 20 MB, and a crowd of guesses no more
	mu      sync.Mutex
	tries   map[string]*rate.Limiter
	nobody  string // the hash that a name that nobody has is tried with
}

// Logins are tried five times at once, and then each twelve seconds: for each name, and for all that nobody has.
const (
	triesAtOnce = 5
	triesEvery  = 12 * time.Second
)

var (
	errRefused = errors.New("the login is refused")
	errTooMany = errors.New("too many logins were tried")
)

// byToken finds whose a token is. All are compared, so that time tells nothing.
func (a *Access) byToken(token string) (user User, found bool) {
	sum := sha256.Sum256([]byte(token))
	for _, t := range a.Tokens {
		if subtle.ConstantTimeCompare(sum[:], t.Sum[:]) == 1 {
			user, found = t.User, true
		}
	}
	return user, found
}

// login takes a name with its password, or a token as the password of no name. Only what was refused counts as tried.
func (a *Access) login(name, password string, now time.Time) (User, error) {
	i := slices.IndexFunc(a.Users, func(u User) bool { return u.Name == name && u.Password != "" })
	known := ""
	if i >= 0 {
		known = name
	}
	try := a.limiter(known).ReserveN(now, 1)
	if try.DelayFrom(now) > 0 {
		try.CancelAt(now)
		return User{}, errTooMany
	}
	user, ok := a.byToken(password)
	if name != "" {
		user, ok = a.byPassword(i, password)
	}
	if !ok {
		return User{}, errRefused
	}
	try.CancelAt(now)
	return user, nil
}

// byPassword tries the password of a user; of nobody's name, at less than 0, it takes as long.
func (a *Access) byPassword(i int, password string) (User, bool) {
	a.hashing.Lock()
	defer a.hashing.Unlock()
	if i >= 0 {
		return a.Users[i], verifyPassword(a.Users[i].Password, password)
	}
	if a.nobody == "" {
		a.nobody = HashPassword(rand.Text())
	}
	verifyPassword(a.nobody, password)
	return User{}, false
}

// limiter is that of a known name; all others share one, so that there are never more than users.
func (a *Access) limiter(name string) *rate.Limiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tries == nil {
		a.tries = map[string]*rate.Limiter{}
	}
	if a.tries[name] == nil {
		a.tries[name] = rate.NewLimiter(rate.Every(triesEvery), triesAtOnce)
	}
	return a.tries[name]
}

// byProxy believes the header of a proxy on this machine, for a name that the configuration knows.
func (a *Access) byProxy(r *http.Request) (User, bool) {
	if a.ProxyUser == "" || !fromThisMachine(r) || len(r.Header.Values(a.ProxyUser)) != 1 {
		return User{}, false
	}
	i := slices.IndexFunc(a.Users, func(u User) bool { return u.Name == r.Header.Get(a.ProxyUser) })
	if i < 0 {
		return User{}, false
	}
	return a.Users[i], true
}
