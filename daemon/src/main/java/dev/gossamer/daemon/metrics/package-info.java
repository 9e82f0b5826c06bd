/**
 * Prometheus metrics, read from the numbers that workers and connections keep. Whoever scrapes, one at a time. A new
 * number is counted where it arises and only named here.
 */
package dev.gossamer.daemon.metrics;
