/**
 * What may go through one device in a second, however many use it: limits ({@link dev.gossamer.io.rate.IoRates}), who
 * keeps them ({@link dev.gossamer.io.rate.RateGate}, one for each device), and a client's place in the line
 * ({@link dev.gossamer.io.rate.RateTurn}). Nothing here holds requests: who may not begin yet is told when he may.
 */
package dev.gossamer.io.rate;
