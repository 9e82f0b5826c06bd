/**
 * Transactions on metadata blocks: shadowing, freezing, committing, and the two that may be open at once. The worker's
 * thread. What has to know which blocks belong to which transaction comes in here; what is written in them does not.
 */
package dev.gossamer.pdata.tx;
