// Package openapi describes routes as an OpenAPI document. Schemas come from the Go types of bodies and answers, so the document cannot say other than what the
// server does.
package openapi

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/route"
)

// object is a JSON object.
type object = map[string]any

// Describe returns the document of these routes, for version of the server.
func Describe(routes []route.Route, version string) object {
	types := &schemas{made: object{}}
	paths := object{}
	for _, r := range routes {
		path := openPath(r.Path)
		methods, ok := paths[path].(object)
		if !ok {
			methods = object{}
			paths[path] = methods
		}
		methods[strings.ToLower(r.Method)] = operation(r, types)
	}
	types.of(reflect.TypeOf(answer.Errors{}))
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Weir's REST API", "version": version,
			"description": "Flink " + answer.FlinkVersion + "'s REST API; every path is also there without /v1. What Weir adds is below /weir/v1.",
		},
		"paths": paths,
		"components": object{
			"schemas":         types.made,
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}},
		},
	}
}

// openPath writes a path with its parameters in braces, and /v1 before those of Flink.
func openPath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if name, ok := strings.CutPrefix(s, ":"); ok {
			segments[i] = "{" + name + "}"
		}
	}
	made := strings.Join(segments, "/")
	if strings.HasPrefix(made, "/weir/") {
		return made
	}
	return "/v1" + made
}

func operation(r route.Route, types *schemas) object {
	made := object{
		"summary": r.Summary, "operationId": operationID(r),
		"responses": object{
			strconv.Itoa(r.Success): success(r, types),
			"default": object{
				"description": "What went wrong",
				"content":     object{"application/json": object{"schema": types.of(reflect.TypeFor[answer.Errors]())}},
			},
		},
	}
	if parameters := parameters(r); len(parameters) > 0 {
		made["parameters"] = parameters
	}
	switch {
	case r.Upload:
		made["requestBody"] = object{"content": object{"multipart/form-data": object{"schema": object{
			"type": "object", "additionalProperties": object{"type": "string", "contentMediaType": "application/octet-stream"},
		}}}}
	case r.Body != nil:
		made["requestBody"] = object{"content": object{"application/json": object{"schema": types.of(reflect.TypeOf(r.Body))}}}
	}
	return made
}

// operationID is the method and the path's words.
func operationID(r route.Route) string {
	words := strings.FieldsFunc(r.Path, func(c rune) bool { return c == '/' || c == ':' || c == '-' || c == '.' })
	id := strings.ToLower(r.Method)
	for _, w := range words {
		id += strings.ToUpper(w[:1]) + w[1:]
	}
	return id
}

func success(r route.Route, types *schemas) object {
	if r.Answer == nil {
		return object{"description": "The file", "content": object{"*/*": object{"schema": object{"type": "string"}}}}
	}
	return object{"description": r.Summary, "content": object{"application/json": object{"schema": types.of(reflect.TypeOf(r.Answer))}}}
}

func parameters(r route.Route) []object {
	var list []object
	for _, segment := range strings.Split(r.Path, "/") {
		if name, ok := strings.CutPrefix(segment, ":"); ok {
			list = append(list, object{"name": name, "in": "path", "required": true, "schema": object{"type": pathType(name)}})
		}
	}
	for _, name := range r.Query {
		at := slices.IndexFunc(route.Params, func(p route.Param) bool { return p.Name == name })
		list = append(list, queryParameter(route.Params[at]))
	}
	return list
}

func pathType(name string) string {
	switch name {
	case "checkpointid", "subtaskindex", "attempt":
		return "integer"
	}
	return "string"
}

func queryParameter(p route.Param) object {
	schema := object{"type": p.Type}
	values := schema
	if p.Type == "array" {
		values = object{"type": "string"}
		schema["items"] = values
	}
	if p.Enum != nil {
		values["enum"] = p.Enum
	}
	made := object{"name": p.Name, "in": "query", "description": p.Meaning, "schema": schema}
	if p.Type == "array" {
		made["style"], made["explode"] = "form", false
	}
	return made
}

// schemas makes JSON schemas of types; those of named structs are made once and referred to.
type schemas struct{ made object }

var (
	rawType    = reflect.TypeFor[json.RawMessage]()
	doubleType = reflect.TypeFor[answer.Double]()
	textType   = reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]()
)

func (s *schemas) of(t reflect.Type) object {
	switch {
	case t == rawType:
		return object{"type": "object"}
	case t == doubleType:
		return object{"anyOf": []object{{"type": "number"}, {"type": "string", "enum": []string{"NaN", "Infinity", "-Infinity"}}}}
	case t.Implements(textType):
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return object{"anyOf": []object{s.of(t.Elem()), {"type": "null"}}}
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.reference(t)
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Interface:
		return object{}
	}
	return object{"type": "integer"}
}

func (s *schemas) reference(t reflect.Type) object {
	if _, known := s.made[t.Name()]; !known {
		made := object{"type": "object"}
		s.made[t.Name()] = made // before its fields, which may be of its own type
		properties, required := object{}, []string{}
		s.fields(t, properties, &required, false)
		made["properties"] = properties
		if len(required) > 0 {
			made["required"] = required
		}
	}
	return object{"$ref": "#/components/schemas/" + t.Name()}
}

// fields adds the struct's keys; those of an embedded pointer may all be missing.
func (s *schemas) fields(t reflect.Type, properties object, required *[]string, optional bool) {
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous {
			inner, pointer := field.Type, field.Type.Kind() == reflect.Pointer
			if pointer {
				inner = inner.Elem()
			}
			s.fields(inner, properties, required, optional || pointer)
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		properties[name] = s.of(field.Type)
		if !optional && options != "omitempty" {
			*required = append(*required, name)
		}
	}
}
