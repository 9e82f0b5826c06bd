package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTree;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.BlockSet;

/**
 * What volumes share with each other, and not with a metadata snapshot or with what is left of deleted volumes: nobody
 * cares what these read.
 */
interface SharedByVolumes {
    /** Whether another volume has the tree of this one. */
    boolean isTree(int id, long root) throws StorageException;

    /** Whether more than one node leads to a node. */
    boolean isNode(long location) throws StorageException;

    /** Whether more than one mapping leads to a data block. */
    boolean isBlock(long dataBlock) throws StorageException;

    /** Where all references are volumes'. */
    record ByCounts(LoadedPool pool) implements SharedByVolumes {
        @Override
        public boolean isTree(int id, long root) throws StorageException {
            return pool.mappings.isUpperPathShared(pool.mappingRoot, id) || isNode(root);
        }

        @Override
        public boolean isNode(long location) throws StorageException {
            return pool.transaction.isShared(location);
        }

        @Override
        public boolean isBlock(long dataBlock) throws StorageException {
            return pool.dataMap.isShared(dataBlock);
        }
    }

    /** References of volumes alone, counted up to two: one more pass, two bits for each block of metadata and data. */
    final class BesideOthers implements SharedByVolumes {
        private final BlockSet nodes;
        private final BlockSet sharedNodes;
        private final BlockSet blocks;
        private final BlockSet sharedBlocks;

        /** Of volumes' trees, by their roots; {@link BTree#NO_TREE} stands for one that has none. */
        BesideOthers(LoadedPool pool, BlockFeed feed, long[] roots) {
            nodes = new BlockSet(feed.blocks());
            sharedNodes = new BlockSet(feed.blocks());
            blocks = new BlockSet(pool.dataMap.blocks());
            sharedBlocks = new BlockSet(pool.dataMap.blocks());
            for (long root : roots) {
                if (root != BTree.NO_TREE) {
                    count(root, nodes, sharedNodes);
                }
            }
            VolumeTrees.walk(feed, roots, this::count);
        }

        private void count(long location, boolean isLeaf, long[] values) {
            for (long value : values) {
                if (isLeaf) {
                    count(Mapping.dataBlock(value), blocks, sharedBlocks);
                } else {
                    count(value, nodes, sharedNodes);
                }
            }
        }

        private static void count(long block, BlockSet once, BlockSet more) {
            if (!once.add(block)) {
                more.add(block);
            }
        }

        @Override
        public boolean isTree(int id, long root) {
            return isNode(root);
        }

        @Override
        public boolean isNode(long location) {
            return sharedNodes.contains(location);
        }

        @Override
        public boolean isBlock(long dataBlock) {
            return sharedBlocks.contains(dataBlock);
        }
    }
}
