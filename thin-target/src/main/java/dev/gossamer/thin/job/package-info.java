/**
 * What runs long under living volumes, in bounded steps: one frame for all ({@link dev.gossamer.thin.job.Jobs}), the
 * holds on ranges that keep writes off while a step changes what is under them ({@link
 * dev.gossamer.thin.job.RangeLocks}), and the jobs. On the worker's loop, in steps that leave it to others in between.
 * What may be cancelled at any step and leaves a sound pool comes in here.
 */
package dev.gossamer.thin.job;
