package failover

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// Option says what one call or pick wants.
type Option func(*request)

// request is what options come to. One without any is never made.
type request struct {
	wish
	service      string
	provider     string
	prefer       string
	avoid        []string
	tags         []string
	labels       map[string]string
	classify     func(error) (types.Outcome, bool)
	choose       Chooser
	result       *types.FailoverResult
	fallback     any
	hasFallback  bool
	isIdempotent *bool
}

// Chooser is a strategy of the program's own, for policies with the strategy custom: it takes one of the
// candidates, of which there is at least one. Anything else is refused.
type Chooser func(ctx context.Context, candidates []*types.ServiceEndpoint) *types.ServiceEndpoint

// WithKey sends requests of the same key to the same endpoint, where the algorithm is ip_hash.
func WithKey(key string) Option {
	return func(r *request) { r.key = key }
}

// WithSession keeps a session on its endpoint, in sticky pools.
func WithSession(session string) Option {
	return func(r *request) { r.session = session }
}

// WithClientIP is the client's address; it stands in for an absent key.
func WithClientIP(address string) Option {
	return func(r *request) { r.clientIP = address }
}

// WithZone is the caller's zone, over the policy's.
func WithZone(zone string) Option {
	return func(r *request) { r.zone = zone }
}

// WithRegion is the caller's region, over the policy's.
func WithRegion(region string) Option {
	return func(r *request) { r.region = region }
}

// WithScope names the operation, a route or a model, whose failures are its own: each endpoint keeps a
// breaker for it beside its own one. At most 512 bytes.
func WithScope(scope string) Option {
	return func(r *request) { r.scope = scope }
}

// WithPosition is where the caller stands, in degrees.
func WithPosition(latitude, longitude float64) Option {
	return func(r *request) {
		r.latitude, r.longitude = latitude, longitude
		r.flags |= requestPosition
	}
}

// WithTimeout is the longest time of the whole call; the policy's holds if it is shorter.
func WithTimeout(timeout time.Duration) Option {
	return func(r *request) { r.timeout = uint64(max(timeout, 1)) }
}

// WithIdempotent says whether sending the request twice does no harm, whatever the policy says.
func WithIdempotent(isIdempotent bool) Option {
	return func(r *request) { r.isIdempotent = &isIdempotent }
}

// WithTags asks for endpoints that have all of these tags.
func WithTags(tags ...string) Option {
	return func(r *request) { r.tags = tags }
}

// WithLabels asks for endpoints whose metadata hold all of these.
func WithLabels(labels map[string]string) Option {
	return func(r *request) { r.labels = labels }
}

// WithEndpoint prefers the endpoint of this ID if it is usable.
func WithEndpoint(id string) Option {
	return func(r *request) { r.prefer = id }
}

// WithExclude leaves the endpoints of these IDs out while others are usable.
func WithExclude(ids ...string) Option {
	return func(r *request) { r.avoid = ids }
}

// WithClassifier tells what an error of the callback means; false leaves it to Classify. A Tagged error
// has said it already.
func WithClassifier(classify func(error) (types.Outcome, bool)) Option {
	return func(r *request) { r.classify = classify }
}

// WithChooser chooses, for policies with the strategy custom.
func WithChooser(choose Chooser) Option {
	return func(r *request) { r.choose = choose }
}

// WithResult has the result written there: endpoint, attempts, history, how long it took.
func WithResult(result *types.FailoverResult) Option {
	return func(r *request) { r.result = result }
}

// WithFallback is the value of a call that failed, in place of its error. Its type has to be the call's.
func WithFallback[T any](value T) Option {
	return func(r *request) { r.fallback, r.hasFallback = value, true }
}

// WithService names the service, for the manager's own verbs; "*" is all endpoints of the provider.
func WithService(service string) Option {
	return func(r *request) { r.service = service }
}

// WithProvider names the provider, for the manager's own verbs.
func WithProvider(provider string) Option {
	return func(r *request) { r.provider = provider }
}

type optionsKey struct{}

// ContextWith returns a context whose calls and picks have these options, unless they say otherwise
// themselves. It is how a key, a session or a service reaches the manager's own verbs from afar.
func ContextWith(ctx context.Context, options ...Option) context.Context {
	return context.WithValue(ctx, optionsKey{}, slices.Concat(inherited(ctx), options))
}

// inherited are the options that a context has.
func inherited(ctx context.Context) []Option {
	options, _ := orBackground(ctx).Value(optionsKey{}).([]Option)
	return options
}

// requestOf puts together what the manager, the context and the call want; nil if that is nothing.
func requestOf(ctx context.Context, defaults, options []Option) *request {
	fromContext := inherited(ctx)
	if len(defaults) == 0 && len(fromContext) == 0 && len(options) == 0 {
		return nil
	}
	asked := &request{}
	for _, list := range [][]Option{defaults, fromContext, options} {
		for _, option := range list {
			option(asked)
		}
	}
	return asked
}

// settle turns names into what the library takes.
func (r *request) settle(p *Pool) error {
	if r.isIdempotent != nil {
		if *r.isIdempotent {
			r.flags |= requestIdempotent
		} else {
			r.flags |= requestNonIdempotent
		}
	}
	if len(r.tags) > 0 || len(r.labels) > 0 {
		filter, err := json.Marshal(map[string]any{"tags": append([]string{}, r.tags...), "metadata": labelsOf(r.labels)})
		if err != nil {
			return err
		}
		r.filter = string(filter)
	}
	if r.prefer == "" && len(r.avoid) == 0 {
		return nil
	}
	seen, err := p.current()
	if err != nil {
		return err
	}
	r.endpoint = seen.numberOf(r.prefer)
	for _, id := range r.avoid {
		if number := seen.numberOf(id); number != 0 {
			r.exclude = append(r.exclude, number)
		}
	}
	return nil
}

func labelsOf(labels map[string]string) map[string]string {
	if labels == nil {
		return map[string]string{}
	}
	return labels
}
