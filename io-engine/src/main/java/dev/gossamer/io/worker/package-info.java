/**
 * What a device needs whose map has one writer: requests that a loop cannot serve alone go to the worker's loop and
 * come back, what loops have under way is counted so that the worker can wait for it, and requests are cut where the
 * map cuts them. State of a loop is touched on that loop only, state of the worker on its own; every entry checks that.
 * Thin pools and classic snapshots are built on it; it knows neither.
 */
package dev.gossamer.io.worker;
