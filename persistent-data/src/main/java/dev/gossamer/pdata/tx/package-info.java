/** Transactions on metadata blocks: shadowing and the two-phase commit. */
package dev.gossamer.pdata.tx;
