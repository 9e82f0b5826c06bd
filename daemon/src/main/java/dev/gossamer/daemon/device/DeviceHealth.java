package dev.gossamer.daemon.device;

/**
 * How a remote device is at the moment (OP-3).
 *
 * @param name its URI
 * @param stalledSeconds how long its oldest request has waited, if that is more than 5 s; else 0
 * @param connected whether requests reach its server
 * @param keptBytes answered writes that are kept until a flush covers them
 * @param reconnects how often it was connected again
 * @param repeatedWrites kept writes that were sent again
 */
public record DeviceHealth(
        String name, double stalledSeconds, boolean connected, long keptBytes, long reconnects, long repeatedWrites) {}
