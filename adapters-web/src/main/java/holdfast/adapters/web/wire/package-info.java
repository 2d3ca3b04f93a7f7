/**
 * The JSON bodies that the server sends, one record each, apart from the domain's own records: the
 * API may change without touching what is on disk, and the reverse. A component that is null is
 * sent as null, never left out.
 */
package holdfast.adapters.web.wire;
