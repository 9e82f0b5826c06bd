package dev.gossamer.daemon.device;

/**
 * How a remote device is at the moment (OP-3).
 *
 * @param name its URI
 * @param stalledSeconds how long its oldest request has waited, if that is more than 5 s; else 0
 */
public record DeviceHealth(String name, double stalledSeconds) {}
