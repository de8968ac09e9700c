package failover

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// span is a time as documents have it: text with a unit.
type span time.Duration

func (s span) MarshalJSON() ([]byte, error) {
	return []byte(`"` + strconv.FormatInt(int64(s), 10) + `ns"`), nil
}

func (s *span) UnmarshalText(text []byte) error {
	read, err := time.ParseDuration(string(text))
	*s = span(read)
	return err
}

// setCount sets a number of retries: 0 is left to the default, -1 is none.
func setCount(document map[string]any, key string, count int) {
	if count == -1 {
		document[key] = 0
	} else if count != 0 {
		document[key] = count
	}
}

func setSpan(document map[string]any, key string, time time.Duration) {
	if time != 0 {
		document[key] = span(time)
	}
}

func setNumber(document map[string]any, key string, number int) {
	if number != 0 {
		document[key] = number
	}
}

// overlay lays options over a document, section by section. The document takes copies of sections, since
// the next overlay may write to them.
func overlay(document, options map[string]any) {
	for key, value := range options {
		section, isSection := value.(map[string]any)
		if !isSection {
			document[key] = value
			continue
		}
		below, hasSection := document[key].(map[string]any)
		if !hasSection {
			below = map[string]any{}
			document[key] = below
		}
		overlay(below, section)
	}
}

// hasTimeout tells whether a document says how long a call or an attempt may take.
func hasTimeout(document map[string]any) bool {
	return document["timeout"] != nil || document["attempt_timeout"] != nil
}

// endpointDocument is an endpoint as the library reads and writes it.
type endpointDocument struct {
	ID          string            `json:"id"`
	Name        string            `json:"name,omitempty"`
	Address     string            `json:"address"`
	Port        int               `json:"port,omitempty"`
	Protocol    string            `json:"protocol,omitempty"`
	HealthCheck *checkDocument    `json:"health_check,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Weight      int               `json:"weight,omitempty"`
	Priority    int               `json:"priority,omitempty"`
	CreatedAt   *time.Time        `json:"created_at,omitempty"`
	UpdatedAt   *time.Time        `json:"updated_at,omitempty"`
}

type checkDocument struct {
	Type             types.CheckType   `json:"type,omitempty"`
	Path             string            `json:"path,omitempty"`
	Interval         span              `json:"interval,omitempty"`
	Timeout          span              `json:"timeout,omitempty"`
	Method           string            `json:"method,omitempty"`
	Headers          map[string]string `json:"headers,omitempty"`
	Body             string            `json:"body,omitempty"`
	Port             int               `json:"port,omitempty"`
	ExpectedStatuses []any             `json:"expected_statuses,omitempty"`
	ExpectedBody     string            `json:"expected_body,omitempty"`
}

func writeEndpoint(endpoint *types.ServiceEndpoint) (endpointDocument, error) {
	if endpoint == nil {
		return endpointDocument{}, invalidArgument("endpoint: must not be nil")
	}
	if !isText(endpoint) {
		refused := bare(types.CodeInvalidUTF8)
		refused.Message = fmt.Sprintf("endpoint %q: text must be UTF-8", endpoint.ID)
		return endpointDocument{}, refused
	}
	document := endpointDocument{
		ID: endpoint.ID, Name: endpoint.Name, Address: endpoint.Address, Port: endpoint.Port,
		Protocol: endpoint.Protocol, Metadata: endpoint.Metadata, Tags: endpoint.Tags,
		Weight: endpoint.Weight, Priority: endpoint.Priority,
		CreatedAt: given(endpoint.CreatedAt), UpdatedAt: given(endpoint.UpdatedAt),
	}
	if check := endpoint.HealthCheck; check != nil {
		document.HealthCheck = &checkDocument{
			Type: check.Type, Path: check.Path, Interval: span(check.Interval), Timeout: span(check.Timeout),
			Method: check.Method, Headers: check.Headers, Body: check.Body, Port: check.Port,
			ExpectedStatuses: writeStatuses(check.ExpectedStatuses), ExpectedBody: check.ExpectedBody,
		}
	}
	return document, nil
}

// isText tells whether an endpoint's texts are UTF-8: JSON would put other characters where they are not.
func isText(endpoint *types.ServiceEndpoint) bool {
	texts := append([]string{endpoint.ID, endpoint.Name, endpoint.Address, endpoint.Protocol}, endpoint.Tags...)
	for key, value := range endpoint.Metadata {
		texts = append(texts, key, value)
	}
	if check := endpoint.HealthCheck; check != nil {
		texts = append(texts, check.Path, check.Method, check.Body, check.ExpectedBody)
		for key, value := range check.Headers {
			texts = append(texts, key, value)
		}
	}
	return utf8.ValidString(strings.Join(texts, " "))
}

// given is a time, or nil for the zero one.
func given(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}

// writeStatuses writes a single status as the number that documents want.
func writeStatuses(statuses []string) []any {
	written := make([]any, 0, len(statuses))
	for _, status := range statuses {
		if number, err := strconv.Atoi(status); err == nil {
			written = append(written, number)
		} else {
			written = append(written, status)
		}
	}
	return written
}

func (d *endpointDocument) endpoint() *types.ServiceEndpoint {
	endpoint := &types.ServiceEndpoint{
		ID: d.ID, Name: d.Name, Address: d.Address, Port: d.Port, Protocol: d.Protocol,
		HealthCheck: d.HealthCheck.check(), Metadata: d.Metadata, Tags: d.Tags, Weight: d.Weight,
		Priority: d.Priority,
	}
	if d.CreatedAt != nil {
		endpoint.CreatedAt = *d.CreatedAt
	}
	if d.UpdatedAt != nil {
		endpoint.UpdatedAt = *d.UpdatedAt
	}
	return endpoint
}

func (d *checkDocument) check() *types.HealthCheck {
	if d == nil {
		return nil
	}
	check := &types.HealthCheck{
		Path: d.Path, Interval: time.Duration(d.Interval), Timeout: time.Duration(d.Timeout),
		Method: d.Method, Headers: d.Headers, Body: d.Body, Type: d.Type, Port: d.Port,
		ExpectedBody: d.ExpectedBody,
	}
	for _, status := range d.ExpectedStatuses {
		check.ExpectedStatuses = append(check.ExpectedStatuses, fmt.Sprint(status))
	}
	return check
}

// readLabels fills what a snapshot holds as JSON. It is the library's own text: what can't be read is
// left out.
func readLabels(endpoint *types.ServiceEndpoint, tags, metadata, check string) {
	if tags != "" {
		_ = json.Unmarshal([]byte(tags), &endpoint.Tags)
	}
	if metadata != "" {
		_ = json.Unmarshal([]byte(metadata), &endpoint.Metadata)
	}
	if check != "" {
		var document *checkDocument
		if json.Unmarshal([]byte(check), &document) == nil {
			endpoint.HealthCheck = document.check()
		}
	}
}

// marshal writes a document of this package's own types, or says what of the program's can't be written.
func marshal(document any) (string, error) {
	written, err := json.Marshal(document)
	if err != nil {
		refused := bare(types.CodeInvalidArgument)
		refused.Message, refused.Cause = "a value can't be written as JSON", err
		return "", refused
	}
	return string(written), nil
}

// unmarshal reads a document of the library.
func unmarshal(document []byte, into any) error {
	if err := json.Unmarshal(document, into); err != nil {
		broken := bare(types.CodeUnsupported)
		broken.Message, broken.Cause = "a document of the library can't be read", err
		return broken
	}
	return nil
}

func text(value any) string {
	return fmt.Sprint(value)
}
