/** Transactions on metadata blocks: shadowing, freezing, committing. */
package dev.gossamer.pdata.tx;
