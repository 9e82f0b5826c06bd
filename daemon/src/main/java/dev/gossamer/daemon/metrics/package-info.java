/** Prometheus metrics, read from the numbers that workers and connections keep. */
package dev.gossamer.daemon.metrics;
