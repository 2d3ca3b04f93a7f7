/** What {@code /metrics} shows, in the text format of Prometheus. */
package holdfast.adapters.web.metrics;
